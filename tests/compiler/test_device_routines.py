"""Routines of a device run as one atomic step, to their end, with all their checks."""

from textwrap import dedent

from dirql.model.expr import Constant

from .drivers import Driver, reached

_LINE = """
def line(self):
    return self.cause and not self.masked
"""


def test_a_line_may_ask_one_helper_twice() -> None:
    device = """
    def off(self):
        return self.masked

    def line(self):
        if self.off() and not self.cause:
            return 0
        if self.off():
            return 0
        return self.cause
    """
    served = Driver(
        """
        def T(self):
            self.nic.masked = 0
            self.nic.cause = 1

        def Service(self, Interrupt, ServiceContext):
            self.nic.cause = 0
            self.x = 1
            return TRUE
        """,
        device=device,
    )
    assert (1,) in reached(served.system().machine, "driver.x")


def test_an_event_that_calls_a_helper_twice_runs_to_its_end() -> None:
    device = """
    status = Bit(0)

    def off(self):
        return self.masked

    @hardware
    def happens(self):
        one = self.off()
        two = self.off()
        self.status = one and two
    """
    assert (1,) in reached(
        Driver("def T(self): pass", device=_LINE + dedent(device)).system().machine, "nic.status"
    )


def test_a_register_access_with_a_helper_called_twice_is_one_step() -> None:
    device = """
    status = Bit(0)

    def off(self):
        return self.masked

    def poke(self):
        self.off()
        self.off()
        self.status = 1
    """
    system = Driver("def T(self):\n    self.nic.poke()", device=_LINE + dedent(device)).system()
    (poke,) = (item for item in system.machine.transitions if item.name == "nic.poke")
    assert "nic.status" in dict(poke.updates)
    assert dict(poke.updates)["at T"] == Constant("done")


def test_a_loop_over_data_in_an_event_is_refused() -> None:
    device = """
    level = Int(0, 3, 3)

    @hardware
    def drains(self):
        left = self.level
        while left > 0:
            left = left - 1
        self.level = 0
    """
    problem = Driver("def T(self): pass", device=_LINE + dedent(device)).refusal()
    assert "one step" in problem.message
    assert problem.line


def test_two_elements_stored_by_data_are_both_stored() -> None:
    device = """
    fifo = Array(Int(0, 3), 3)
    first = Int(0, 2, 0)
    second = Int(0, 2, 1)

    @hardware
    def fills(self):
        self.fifo[self.first] = 1
        self.fifo[self.second] = 2
    """
    machine = Driver("def T(self): pass", device=_LINE + dedent(device)).system().machine
    assert reached(machine, "nic.fifo[0]", "nic.fifo[1]") == {(0, 0), (1, 2)}


def test_an_event_that_overflows_a_register_is_a_violation() -> None:
    device = """
    count = Int(0, 1)

    @hardware
    def counts(self):
        self.count += 1
    """
    driver = Driver("def T(self): pass", device=_LINE + dedent(device))
    assert driver.verdict("value-out-of-range") == "value-out-of-range"


def test_an_event_that_leaves_an_array_is_a_violation() -> None:
    device = """
    level = Int(0, 3, 3)
    fifo = Array(Bit(0), 2)

    @hardware
    def fills(self):
        self.fifo[self.level] = 1
    """
    driver = Driver("def T(self): pass", device=_LINE + dedent(device))
    assert driver.verdict("index-out-of-range") == "index-out-of-range"


def test_an_assertion_of_an_event_is_checked() -> None:
    device = """
    @hardware
    def happens(self):
        assert not self.cause
        self.cause = 1
    """
    driver = Driver("def T(self): pass", device=_LINE + dedent(device))
    assert driver.verdict("assertion-failed") == "assertion-failed"


def test_events_go_on_while_the_registers_are_not_mapped() -> None:
    driver = Driver(
        """
        def T(self):
            MmUnmapIoSpace(self.nic)
        """
    )
    assert driver.verdict("use-after-unmap", spurious_calls="no") == "holds"


def test_a_call_for_nothing_finds_the_registers_unmapped() -> None:
    driver = Driver(
        """
        def T(self):
            MmUnmapIoSpace(self.nic)
        """
    )
    assert driver.verdict("use-after-unmap") == "use-after-unmap"


def test_a_condition_that_can_fail_is_refused() -> None:
    device = """
    level = Int(0, 3, 3)
    fifo = Array(Bit(0), 2)

    def line(self):
        return self.fifo[self.level]
    """
    assert "fifo" in Driver("def T(self): pass", device=device).refusal().message
