"""Memory that is allocated again."""

import pytest

from dirql.model.language import PatternError

from .drivers import Driver


@pytest.mark.parametrize("kept", ["kept = self.r0", "self.current = self.r0"])
def test_memory_allocated_again_does_not_revive_a_stale_pointer(kept: str) -> None:
    driver = Driver(
        f"""
        def Start(self):
            ExAllocatePool2(self.r0)
            return IoConnectInterrupt(self.Interrupt, self.Service)

        def T(self):
            {kept}
            KeSetEvent(self.again)
            KeWaitForSingleObject(self.done)
            {kept.partition(" =")[0]}.refs = 1

        def U(self):
            KeWaitForSingleObject(self.again)
            ExFreePool(self.r0)
            ExAllocatePool2(self.r0)
            KeSetEvent(self.done)
        """,
        threads="T U",
    )
    assert driver.verdict("use-after-free") == "unknown"


def test_memory_may_be_allocated_again_when_no_pointer_to_it_is_left() -> None:
    driver = Driver(
        """
        def T(self):
            for i in range(2):
                ExAllocatePool2(self.r0)
                self.current = self.r0
                self.current.refs = 1
                self.current = NULL
                ExFreePool(self.r0)
        """
    )
    assert driver.verdict() == "holds"


def test_a_stale_interrupt_pointer_in_a_local_stays_stale() -> None:
    driver = Driver(
        """
        def T(self):
            p = self.Interrupt
            KeSetEvent(self.again)
            KeWaitForSingleObject(self.done)
            KeSynchronizeExecution(p, self.Section, NULL)

        def U(self):
            KeWaitForSingleObject(self.again)
            IoDisconnectInterrupt(self.Interrupt)
            self.Interrupt = NULL
            self.Start()
            KeSetEvent(self.done)

        def Section(self, Context):
            return TRUE
        """,
        threads="T U",
    )
    found = driver.verdict("synchronize-on-dead-interrupt", connect_may_fail="no")
    assert found == "synchronize-on-dead-interrupt"


def test_allocating_gives_a_pointer_that_may_be_tested_and_kept() -> None:
    driver = Driver(
        """
        def T(self):
            request = ExAllocatePool2(self.r0)
            if request == NULL:
                return
            request.refs = 1
            self.current = request
            ExFreePool(request)
            self.x = self.current.refs
        """
    )
    assert driver.verdict() == "use-after-free"


def test_a_pointer_is_no_number() -> None:
    driver = Driver("def T(self):\n    self.x = ExAllocatePool2(self.r0)\n")
    with pytest.raises(PatternError, match=r"driver\.x holds a number, and is given r0"):
        driver.system()
