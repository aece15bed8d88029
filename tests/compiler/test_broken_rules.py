"""A rule broken after something visible: others see what was done before, and may act on it.

Were both one step, a question about one property would lose everything that the others do in
between: the behaviour ends where a rule that is not asked is broken.
"""

import pytest

from dirql.app.coverage import unvisited
from dirql.explorer.reference import ReferenceEngine
from dirql.explorer.verdict import Violated
from dirql.properties import apply

from ..language.loading import load_text
from .drivers import Driver

OTHER = """
def Other(self):
    if self.x:
        KeLowerIrql(DISPATCH_LEVEL)
"""
BREAKING = {
    "assertion-failed": """
def T(self):
    a = 1
    self.x = a
    assert a == 0
""",
    "value-out-of-range": """
def T(self):
    a = self.z
    self.x = 1
    n: Int(0, 1) = a + 2
    self.y = n
""",
    "lock-held-at-return": """
def T(self):
    KeAcquireSpinLock(self.lock, old)
    self.x = 1
""",
    "irql-not-restored": """
def T(self):
    KeRaiseIrql(DISPATCH_LEVEL, old)
    self.x = 1
""",
}
DECLINES = """
def Start(self):
    status = IoConnectInterrupt(self.Interrupt, self.Service)
    self.nic.masked = 0
    return status

def Service(self, Interrupt, ServiceContext):
    if not self.nic.cause:
        return FALSE
    self.nic.masked = 1
    return FALSE

def T(self):
    if self.nic.masked:
        KeLowerIrql(DISPATCH_LEVEL)
"""


@pytest.mark.parametrize("rule", BREAKING)
@pytest.mark.parametrize("processors", [1, 2])
def test_others_act_on_what_was_done_before(rule: str, processors: int) -> None:
    driver = Driver(BREAKING[rule] + OTHER, threads="T Other")
    assert driver.verdict(rule, processors=processors) == rule
    # A raised thread keeps the only processor to itself.
    seen = processors > 1 or rule in ("assertion-failed", "value-out-of-range")
    expected = "irql-lowered-wrongly" if seen else "holds"
    assert driver.verdict("irql-lowered-wrongly", processors=processors) == expected
    assert driver.verdict("data-race", processors=processors) == "data-race"


def test_so_they_do_before_a_service_routine_declines() -> None:
    driver = Driver(DECLINES, wiring=", shared=True")
    assert driver.verdict("handled-but-unclaimed", processors=2) == "handled-but-unclaimed"
    assert driver.verdict("irql-lowered-wrongly", processors=2) == "irql-lowered-wrongly"


def test_an_access_that_breaks_a_rule_races_all_the_same() -> None:
    """What is stored does not fit, but it is stored where another reads."""
    driver = Driver(
        """
        def T(self):
            self.x = self.z + 4

        def Other(self):
            self.y = self.x
        """,
        threads="T Other",
    )
    assert driver.verdict("value-out-of-range", processors=2) == "value-out-of-range"
    assert driver.verdict("data-race", processors=2) == "data-race"


def test_the_step_that_breaks_the_rule_has_its_own_line() -> None:
    machine = apply(Driver(BREAKING["assertion-failed"]).system())
    verdict = ReferenceEngine().check(machine).verdict
    assert isinstance(verdict, Violated)
    before, last = verdict.trace.steps[-2:]
    assert (before.source.text, last.source.text) == ("self.x = a", "assert a == 0")
    assert [name for name, _, _ in before.changes if not name.startswith("at ")] == ["driver.x"]


def test_a_claim_that_is_true_costs_nothing_and_is_no_dead_line() -> None:
    claimed = Driver("def T(self):\n    a = self.x\n    assert a == 0\n    self.y = a")
    plain = Driver("def T(self):\n    a = self.x\n    self.y = a")
    results = [driver.check() for driver in (claimed, plain)]
    assert len({result.statistics.states for result in results}) == 1
    program = load_text(claimed.text).program
    system = claimed.system()
    never_ran = unvisited(apply(system), system.notes, program, results[0])
    assert not [item for item in never_ran if "assert" in item.source.text]


MASKED = """
def T(self):
    while not self.y:
        KeStallExecutionProcessor(1)
    k: Int(0, 3) = self.x
    while k < 3:
        k = k + 1
    {}
    KeAcquireSpinLockAtDpcLevel(self.lock)
    KeReleaseSpinLockFromDpcLevel(self.lock)

def U(self):
    KeAcquireSpinLockAtDpcLevel(self.lock)
    self.y = 1
    while TRUE:
        KeStallExecutionProcessor(1)
"""


@pytest.mark.parametrize(
    ("claim", "broken"),
    [("assert k == 0", "assertion-failed"), ("n: Int(0, 3) = k + 1", "value-out-of-range")],
)
def test_no_claim_waits_for_the_lock_that_comes_after_it(claim: str, broken: str) -> None:
    driver = Driver(
        MASKED.format(claim),
        threads="At(DISPATCH_LEVEL,Sample.T) At(DISPATCH_LEVEL,Sample.U)",
        fields="x = Int(0, 7, {1, 2}, volatile=True)\ny = Int(0, 1, volatile=True)",
    )
    assert driver.verdict(broken, processors=2) == broken


def test_a_claim_that_held_is_no_line_that_never_ran() -> None:
    driver = Driver(
        """
        def T(self):
            k: Int(0, 3) = self.x
            while k < 3:
                k = k + 1
            assert k == 3
            self.y = 1
        """,
        fields="x = Int(0, 3, {1, 2})",
    )
    system = driver.system()
    machine = apply(system, None)
    result = ReferenceEngine().check(machine)
    program = load_text(driver.text).program
    dead = [item.source.text for item in unvisited(machine, system.notes, program, result)]
    assert "assert k == 3" not in dead
    assert "k = k + 1" not in dead
