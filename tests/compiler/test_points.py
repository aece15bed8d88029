"""Program points: levels, locks and known locals are part of them, data is not."""

import pytest

from dirql.explorer.reference import reachable
from dirql.model.domain import Range, Value
from dirql.model.machine import Machine

from .drivers import Driver, points, reached


def test_one_line_at_two_levels_is_two_points() -> None:
    driver = Driver(
        """
        def T(self):
            self.y = 1
            self.Touch()
            KeRaiseIrql(DISPATCH_LEVEL, OldIrql)
            self.Touch()
            KeLowerIrql(OldIrql)

        def Touch(self):
            self.x = 1
        """
    )
    found = points(driver.system(), "T", "self.x = 1")
    assert sorted(item.irql for item in found) == [0, 2]
    assert len({item.label for item in found}) == 2
    assert driver.verdict() == "holds"


def test_a_routine_called_by_a_thread_a_dpc_and_a_service_routine_has_their_levels() -> None:
    driver = Driver(
        """
        def T(self):
            self.nic.masked = 0
            KeInsertQueueDpc(self.dpc)
            self.Touch()

        def Deferred(self, Dpc, DeferredContext):
            self.Touch()

        def Service(self, Interrupt, ServiceContext):
            self.nic.cause = 0
            self.Touch()
            return TRUE

        def Touch(self):
            InterlockedExchange(self.x, 1)
        """
    )
    system = driver.system()
    levels = {
        item.context: item.irql
        for item in system.points
        if "InterlockedExchange" in item.source.text
    }
    assert levels == {"T": 0, "DPC@P0": 2, "nic interrupt@P0": 7}
    assert driver.verdict() == "holds"


def test_held_locks_are_known_at_a_point() -> None:
    driver = Driver(
        """
        def T(self):
            KeAcquireSpinLock(self.lock, First)
            KeAcquireSpinLock(self.other, Second)
            self.x = 1
            KeReleaseSpinLock(self.other, Second)
            KeReleaseSpinLock(self.lock, First)
        """
    )
    (point,) = points(driver.system(), "T", "self.x = 1")
    assert (point.held, point.irql) == (("lock", "other"), 2)
    assert driver.verdict() == "holds"


def test_a_known_local_tells_points_apart_and_data_does_not() -> None:
    driver = Driver(
        """
        def T(self):
            mode = choose(1, 2)
            self.y = 0
            self.x = mode

        def U(self):
            v = self.z
            self.y = 0
            self.x = v
        """,
        threads="T U",
    )
    system = driver.system()
    assert len(points(system, "T", "self.x = mode")) == 2
    assert len(points(system, "U", "self.x = v")) == 1


def stored(machine: Machine, name: str) -> Range:
    """The domain of the variable of a local."""
    domain = next(item.domain for item in machine.variables if item.name == name)
    assert isinstance(domain, Range)
    return domain


@pytest.mark.parametrize(
    ("value", "low", "high"),
    [
        ("self.x", 0, 3),
        ("self.x + self.y", 0, 6),
        ("self.x - self.y", -3, 3),
        ("self.x & 1", 0, 1),
        ("self.x * 4 + 1", 1, 13),
        ("1 if self.x else 0", 0, 1),
        ("self.ring[self.x & 1]", 0, 3),
    ],
)
def test_a_local_gets_the_domain_of_what_it_is_given(value: str, low: int, high: int) -> None:
    driver = Driver(f"def T(self):\n    v = {value}\n    self.y = 0\n    self.z = v & 3\n")
    assert stored(driver.system().machine, "T.T.v") == Range(low, high)


def test_a_local_of_too_many_values_asks_for_a_declaration() -> None:
    driver = Driver(
        "def T(self):\n    v = self.big\n    self.y = 0\n    self.big = v\n",
        fields="big = Int(0, 100_000)",
    )
    problem = driver.refusal()
    assert problem.code == "DQ303"
    assert "the local v of T" in problem.message
    assert "v: Int(" in problem.hint
    assert problem.line


def test_a_declared_local_needs_no_computed_domain() -> None:
    driver = Driver(
        "def T(self):\n    v: Int(0, 7) = self.big & 7\n    self.y = 0\n    self.big = v\n",
        fields="big = Int(0, 100_000)",
    )
    assert stored(driver.system().machine, "T.T.v") == Range(0, 7)


def test_a_dead_local_is_reset_on_every_way() -> None:
    driver = Driver(
        """
        def T(self):
            v = self.x
            self.y = 0
            if v:
                self.y = v
            else:
                self.z = 1
            self.z = 0
        """,
        fields="x = Int(0, 3, {0, 1, 2, 3})",
    )
    machine = driver.system().machine
    low = stored(machine, "T.T.v").low
    late = {label.label for label in points(driver.system(), "T", "self.z = 0")} | {"done"}
    slots = {item.name: i for i, item in enumerate(machine.variables)}
    seen: set[Value] = {
        state[slots["T.T.v"]] for state in reachable(machine) if state[slots["at T"]] in late
    }
    assert seen == {low}


def test_locals_survive_calls_locks_and_interrupts() -> None:
    driver = Driver(
        """
        def T(self):
            self.nic.masked = 0
            a = self.x
            b = self.Twice(a)
            KeAcquireSpinLock(self.lock, OldIrql)
            c = self.Twice(b)
            self.y = 1
            KeReleaseSpinLock(self.lock, OldIrql)
            assert b == a + a
            assert c == b + b

        def Twice(self, a):
            b = a
            self.y = 0
            return a + b

        def Service(self, Interrupt, ServiceContext):
            a = 3
            b = self.nic.cause
            self.nic.cause = 0
            return b
        """,
        fields="x = Int(0, 3, {0, 1, 2, 3})",
    )
    for processors in (1, 2):
        assert driver.verdict("assertion-failed", processors=processors) == "holds"
    assert reached(driver.system().machine, "driver.y") == {(0,), (1,)}


def test_an_argument_computed_before_a_kernel_call_reaches_its_callback() -> None:
    driver = Driver(
        """
        def T(self):
            p = self.Interrupt
            v = self.x
            while v > 2:
                v = v - 1
            w = v + 1
            KeSynchronizeExecution(p, self.Section, w)

        def Section(self, given):
            self.y = given
            assert given == 3
            return TRUE
        """,
        fields="x = Int(0, 3, {2, 3})",
    )
    assert driver.verdict() == "holds"
    assert (3,) in reached(driver.system().machine, "driver.y")
