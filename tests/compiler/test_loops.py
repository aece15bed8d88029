"""Loops over data: every one compiles, terminates, and keeps its meaning."""

import pytest

from .drivers import Driver, reached


def test_counting_up_to_a_field() -> None:
    driver = Driver(
        """
        def T(self):
            self.x = choose(0, 2)
            n = self.x
            i = 0
            while i < n:
                self.y += 1
                i = i + 1
            assert self.y == n
        """
    )
    assert driver.verdict() == "holds"


def test_counting_down_from_a_field() -> None:
    driver = Driver(
        """
        def T(self):
            self.x = choose(0, 2)
            left = self.x
            while left:
                self.y += 1
                left = left - 1
            assert self.y == self.x
        """
    )
    assert driver.verdict() == "holds"


def test_counting_down_without_touching_anything() -> None:
    driver = Driver(
        """
        def T(self):
            self.x = choose(1, 3)
            left = self.x
            while left > 1:
                left = left - 1
            self.y = left
            assert self.y == 1
        """
    )
    assert driver.verdict() == "holds"


def test_counting_without_end_is_a_limit_of_the_model() -> None:
    driver = Driver(
        """
        def T(self):
            i = 0
            while not self.x:
                i = i + 1
            self.y = i & 1
        """
    )
    assert driver.verdict() == "unknown"


def test_a_long_constant_loop() -> None:
    driver = Driver(
        """
        def T(self):
            for i in range(300):
                self.y = i & 3
        """
    )
    assert driver.verdict() == "holds"


def test_a_step_for_each_round_lets_others_in() -> None:
    driver = Driver(
        """
        def T(self):
            seen = self.x
            while not seen:
                seen = self.x
            self.y = 1

        def U(self):
            self.x = 1
        """,
        threads="T U",
    )
    assert driver.verdict("stuck-context") == "holds"
    assert (1,) in reached(driver.system().machine, "driver.y")


@pytest.mark.parametrize("body", ["pass", "v = (v + 1) % 4", "self.Helper()", "v = choose(0, 1)"])
@pytest.mark.parametrize("processors", [1, 2])
def test_an_endless_loop_on_locals_never_gives_its_processor_back(
    body: str, processors: int
) -> None:
    driver = Driver(
        f"""
        def T(self):
            KeRaiseIrql(DISPATCH_LEVEL, OldIrql)
            v = self.x
            while v < 4:
                {body}
            self.y = 1
            KeLowerIrql(OldIrql)

        def Helper(self):
            pass
        """
    )
    assert driver.verdict("stuck-context", processors=processors) == "stuck-context"
    assert reached(driver.system(processors).machine, "driver.y") == {(0,)}


@pytest.mark.parametrize("routine", ["Deferred(self, Dpc, Context)", "Service(self, I, Context)"])
@pytest.mark.parametrize("processors", [1, 2])
def test_an_endless_loop_raised_is_never_by_design(routine: str, processors: int) -> None:
    driver = Driver(
        f"""
        def T(self):
            self.nic.masked = 0
            KeInsertQueueDpc(self.dpc)

        def {routine}:
            while True:
                self.y = 1
        """
    )
    assert driver.verdict("stuck-context", processors=processors) == "stuck-context"


def test_a_thread_may_loop_for_ever_below_dispatch_level() -> None:
    driver = Driver(
        """
        def T(self):
            while True:
                KeAcquireSpinLock(self.lock, OldIrql)
                self.y = 1
                KeReleaseSpinLock(self.lock, OldIrql)
        """
    )
    assert driver.verdict("stuck-context", processors=2) == "holds"


def test_an_array_walked_by_a_counter() -> None:
    driver = Driver(
        """
        def T(self):
            n = self.x
            i = 0
            while i <= n:
                self.ring[i] = 1
                i += 1
        """,
        fields="x = Int(0, 3, 3)",
    )
    assert driver.verdict("index-out-of-range") == "index-out-of-range"
