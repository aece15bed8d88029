"""Two engines as one: who answers, and that the answer is the same."""

import time
from collections.abc import Callable
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from dirql.explorer.engine import NO_LIMITS, BeyondEngineError, Limits, Snapshot
from dirql.explorer.handover import Handover
from dirql.explorer.native import NativeEngine, NoCache
from dirql.explorer.reference import ReferenceEngine
from dirql.explorer.verdict import Holds, Result, Unknown, Violated
from dirql.model.algebra import arithmetic, less
from dirql.model.domain import Range
from dirql.model.expr import Constant, Read
from dirql.model.machine import Context, ContextKind, Machine, Transition, Variable

from ..machines import machines, racing_machines

COUNTER = Context("counter", ContextKind.HARDWARE, "", Constant("none"), Constant(0))


def native() -> NativeEngine:
    return NativeEngine(cache=NoCache())


def count_to(end: int) -> Machine:
    """A machine of `end` + 1 states."""
    value = Read("v")
    step = Transition(
        "count",
        "counter",
        (less(value, Constant(end)),),
        (("v", arithmetic("+", value, Constant(1))),),
    )
    return Machine("counter", (Variable("v", Range(0, end), (0,)),), (step,), (COUNTER,))


def test_a_small_machine_never_needs_the_second_engine() -> None:
    def never() -> NativeEngine:
        raise AssertionError("not needed")

    result = Handover(ReferenceEngine(), never, states=10).check(count_to(9))
    assert (result.engine, result.statistics.states) == ("reference", 10)
    assert not result.limited


def test_a_large_machine_is_answered_by_the_second_engine() -> None:
    result = Handover(ReferenceEngine(), native, states=10).check(count_to(10))
    assert (result.engine, result.statistics.states) == ("native", 11)
    assert isinstance(result.verdict, Holds)
    assert not result.limited


@given(st.one_of(machines(), racing_machines()), st.integers(1, 40))
def test_the_answer_does_not_depend_on_who_gives_it(machine: Machine, states: int) -> None:
    """Also where a race is known when the first engine stops: that is not the answer yet."""
    expected = ReferenceEngine().check(machine)
    found = Handover(ReferenceEngine(), native, states).check(machine)
    assert replace(found.statistics, seconds=0) == replace(expected.statistics, seconds=0)
    if isinstance(expected.verdict, Violated) and isinstance(found.verdict, Violated):
        assert found.verdict.property == expected.verdict.property
        assert len(found.verdict.trace.steps) == len(expected.verdict.trace.steps)


def test_limits_of_the_caller_are_limits() -> None:
    engine = Handover(ReferenceEngine(), native, states=100)
    few = engine.check(count_to(10_000), Limits(states=50))
    assert few.limited
    assert isinstance(few.verdict, Unknown)
    assert few.verdict.reason.startswith("the limit of 50 states was reached")
    more = engine.check(count_to(10_000), Limits(states=500))
    assert isinstance(more.verdict, Unknown)
    assert more.verdict.reason.startswith("the limit of 500 states was reached")
    late = engine.check(count_to(10_000), Limits(seconds=5, since=time.monotonic() - 6))
    assert isinstance(late.verdict, Unknown)
    assert late.verdict.reason.startswith("the limit of 5 seconds was reached")
    assert late.statistics.seconds >= 6


def test_what_the_first_engine_learnt_is_not_lost() -> None:
    """The second needs a moment before it begins, and the time may be over then."""

    class Late(ReferenceEngine):
        def check(
            self,
            machine: Machine,
            limits: Limits = NO_LIMITS,
            watch: Callable[[Snapshot], None] | None = None,
        ) -> Result:
            return super().check(machine, replace(limits, seconds=0), watch)

    result = Handover(ReferenceEngine(), Late, states=10).check(count_to(100), Limits(seconds=60))
    assert isinstance(result.verdict, Unknown)
    assert result.limited
    assert result.verdict.reason == (
        "the limit of 0 seconds was reached: 10 states found, 10 expanded, depth 9"
    )
    assert result.statistics.states == 10


class Beyond:
    """An engine that can hold nothing."""

    name = "beyond"

    def check(
        self,
        machine: Machine,
        limits: Limits = NO_LIMITS,
        watch: Callable[[Snapshot], None] | None = None,
    ) -> Result:
        del machine, limits, watch
        raise BeyondEngineError("too wide")


def test_the_first_engine_goes_on_where_the_second_cannot() -> None:
    result = Handover(ReferenceEngine(), Beyond, states=10).check(count_to(100))
    assert (result.engine, result.statistics.states) == ("reference", 101)
