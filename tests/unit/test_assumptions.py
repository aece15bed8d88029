"""Violations that rest on unknown values, and those that only seem to."""

from collections.abc import Callable
from pathlib import Path

import pytest

from dirql.explorer.assumptions import Settled
from dirql.explorer.engine import NO_LIMITS, Engine, Limits, Snapshot
from dirql.explorer.native import NativeEngine
from dirql.explorer.reference import ReferenceEngine
from dirql.explorer.replay import replay
from dirql.explorer.verdict import Holds, Result, Unknown, Verdict, Violated
from dirql.model.compiler import compile_system
from dirql.model.language import load_pattern
from dirql.model.machine import Machine
from dirql.properties import apply

HEAD = """
from dirql.model.wdk import *


class Drv(Driver):
    Done = KEVENT(NotificationEvent, FALSE)
    Lock = KSPIN_LOCK()
    count = Int(0, 7, volatile=True)
    plain = Int(0, 7)
"""

FOOT = """

scenario = Scenario(concurrently=[Drv.One{others}], finally_={end}, processors=[2])
"""


@pytest.fixture(params=[ReferenceEngine, NativeEngine])
def engine(request: pytest.FixtureRequest) -> Engine:
    return Settled(request.param())


class Bench:
    """Makes machines of driver bodies."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def machine(self, body: str, *others: str, end: str = "None") -> Machine:
        path = self._folder / "drv.py"
        threads = "".join(f", Drv.{name}" for name in others)
        path.write_text(HEAD + body + FOOT.format(others=threads, end=end), encoding="utf-8")
        pattern = load_pattern(path)
        return apply(compile_system(pattern.program, pattern.scenarios[0], 2))


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def verdict_of(engine: Engine, machine: Machine) -> Verdict:
    """The verdict, after replaying what it shows."""
    verdict = engine.check(machine).verdict
    match verdict:
        case Violated(_, trace):
            replay(machine, trace)
        case Unknown(_, trace):
            assert trace is not None
            replay(machine, trace)
        case Holds():
            pass
    return verdict


SHORT_CUT = """
    def One(self):
        if unknown("the registry", 0, 1):
            assert self.count == 1, "count is one"
"""
"""Broken by assuming something, and only so."""

LONGER = """
    def Two(self):
        self.count = 0
        self.count = 2
        self.count = 3
        assert self.count == 2, "count is two"
"""
"""Broken whatever is assumed, but later."""


def test_a_violation_that_needs_an_assumption_is_unknown(engine: Engine, bench: Bench) -> None:
    verdict = verdict_of(engine, bench.machine(SHORT_CUT))
    assert isinstance(verdict, Unknown)
    assert verdict.reason.startswith(
        "assertion-failed depends on the registry: it happens with the registry = 1 at drv.py:1"
    )


def test_a_longer_violation_without_assumptions_is_found(engine: Engine, bench: Bench) -> None:
    machine = bench.machine(SHORT_CUT + LONGER, "Two")
    assert isinstance(ReferenceEngine().check(machine).verdict, Unknown)
    verdict = verdict_of(engine, machine)
    assert isinstance(verdict, Violated)
    assert verdict.trace.violation.detail == "count is two"


def test_a_race_without_assumptions_is_found(engine: Engine, bench: Bench) -> None:
    body = SHORT_CUT + "    def Two(self):\n        self.plain = 1\n"
    verdict = verdict_of(engine, bench.machine(body, "Two", "Two"))
    assert isinstance(verdict, Violated)
    assert verdict.property == "data-race"


def test_being_stuck_without_assumptions_is_found(engine: Engine, bench: Bench) -> None:
    body = SHORT_CUT + "    def Two(self):\n        KeWaitForSingleObject(self.Done)\n"
    verdict = verdict_of(engine, bench.machine(body, "Two"))
    assert isinstance(verdict, Violated)
    assert verdict.property == "stuck-context"


def test_a_way_on_through_an_assumption_is_a_way_on(engine: Engine, bench: Bench) -> None:
    """Whoever waits is not stuck where an unknown value may still wake it."""
    body = """
    def One(self):
        if unknown("the registry", 0, 1):
            KeSetEvent(self.Done)
            assert self.count == 1, "count is one"
        KeSetEvent(self.Done)

    def Two(self):
        KeWaitForSingleObject(self.Done)
"""
    verdict = verdict_of(engine, bench.machine(body, "Two"))
    assert isinstance(verdict, Unknown)
    assert verdict.reason.startswith(
        "assertion-failed depends on the registry: it happens with the registry = 1 at drv.py:1"
    )


def test_stuck_behind_an_assumption_is_unknown(engine: Engine, bench: Bench) -> None:
    body = """
    def One(self):
        if unknown("the registry", 0, 1):
            KeWaitForSingleObject(self.Done)
"""
    verdict = verdict_of(engine, bench.machine(body))
    assert isinstance(verdict, Unknown)
    assert verdict.reason.startswith(
        "stuck-context depends on the registry: it happens with the registry = 1 at drv.py:1"
    )


def test_a_state_that_waits_for_an_assumption_is_not_at_rest(engine: Engine, bench: Bench) -> None:
    """What is allocated while a step is owed has not leaked yet."""
    body = """
    def One(self):
        KeInitializeSpinLock(self.Lock)
        KeAcquireSpinLock(self.Lock, OldIrql)
        if unknown("the registry", 0, 1):
            self.count = 1
        KeReleaseSpinLock(self.Lock, OldIrql)
        if unknown("another value", 0, 1):
            assert self.count == 3, "count is three"
"""
    verdict = verdict_of(engine, bench.machine(body))
    assert isinstance(verdict, Unknown)
    assert "assertion-failed depends on" in verdict.reason


def test_nothing_is_asked_twice_where_nothing_is_unknown(bench: Bench) -> None:
    machine = bench.machine(LONGER.replace("Two", "One"))
    asked: list[Machine] = []

    class Counting(ReferenceEngine):
        def check(
            self,
            machine: Machine,
            limits: Limits = NO_LIMITS,
            watch: Callable[[Snapshot], None] | None = None,
        ) -> Result:
            asked.append(machine)
            return super().check(machine, limits, watch)

    Settled(Counting()).check(machine)
    assert asked == [machine]


CERTAIN = {
    "a value that does not matter": (
        """
    def One(self):
        self.count = unknown(0, 1)
        assert FALSE, "never here"
""",
        "assertion-failed",
    ),
    "two values that do not matter": (
        """
    def One(self):
        self.count = unknown(0, 1) + unknown(0, 2)
        assert self.count == 7, "count is seven"
""",
        "assertion-failed",
    ),
    "a value that only delays": (
        """
    def One(self):
        if unknown(0, 1):
            self.count = 1
            self.count = 2
        assert self.count == 7, "count is seven"
""",
        "assertion-failed",
    ),
    "either way another property": (
        """
    def One(self):
        KeInitializeSpinLock(self.Lock)
        if unknown(0, 1):
            assert FALSE, "never here"
        else:
            KeAcquireSpinLock(self.Lock, OldIrql)
            KeAcquireSpinLock(self.Lock, Another)
""",
        "assertion-failed",
    ),
    "drawn anew in each round": (
        """
    def One(self):
        for i in range(3):
            self.count = unknown(0, 1)
        assert self.count == 7, "count is seven"
""",
        "assertion-failed",
    ),
    "whatever is drawn, the scheduler can match it": (
        """
    def One(self):
        self.count = unknown(0, 1)
        assert self.count != choose(0, 1), "not equal"
""",
        "assertion-failed",
    ),
    "an answer": (
        """
    def ask(self):
        return unknown(TRUE, FALSE)

    def One(self):
        if self.ask():
            self.count = 1
        assert self.count == 7, "count is seven"
""",
        "assertion-failed",
    ),
    "stuck either way": (
        """
    def One(self):
        if unknown(0, 1):
            self.count = 1
            KeWaitForSingleObject(self.Done)
        KeWaitForSingleObject(self.Done)
""",
        "stuck-context",
    ),
}


@pytest.mark.parametrize("name", CERTAIN)
def test_what_happens_whatever_the_value_is_violated(
    name: str, engine: Engine, bench: Bench
) -> None:
    body, broken = CERTAIN[name]
    verdict = verdict_of(engine, bench.machine(body))
    assert isinstance(verdict, Violated), verdict
    assert verdict.property == broken


DEPENDS = {
    "one of three values": (
        """
    def One(self):
        self.count = unknown(0, 1, 2)
        assert self.count != 1, "not one"
""",
        "unknown(0, 1, 2) = 1 at drv.py:",
    ),
    "only the value that matters": (
        """
    def One(self):
        self.count = unknown("the size", 0, 1)
        if unknown("the registry", 0, 1):
            assert FALSE, "never here"
""",
        "assertion-failed depends on the registry: it happens with the registry = 1 at drv.py:",
    ),
    "values that may alternate": (
        """
    def One(self):
        self.count = unknown(0, 1)
        self.plain = unknown(0, 1)
        assert self.plain != self.count, "they differ"
""",
        "unknown(0, 1) = ",
    ),
    "the choice is made before the value is drawn": (
        """
    def One(self):
        self.count = choose(0, 1)
        self.plain = unknown(0, 1)
        assert self.plain != self.count, "they differ"
""",
        "unknown(0, 1) = ",
    ),
}


@pytest.mark.parametrize("name", DEPENDS)
def test_what_needs_a_value_names_it(name: str, engine: Engine, bench: Bench) -> None:
    body, reason = DEPENDS[name]
    verdict = verdict_of(engine, bench.machine(body))
    assert isinstance(verdict, Unknown)
    assert reason in verdict.reason
