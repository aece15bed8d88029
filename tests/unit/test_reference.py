"""The reference explorer: limits, watching, bounds, opaque steps, order of judgement."""

from dataclasses import replace

import pytest

from dirql.explorer import budget
from dirql.explorer.budget import resident_memory
from dirql.explorer.engine import Limits, Snapshot
from dirql.explorer.reference import ReferenceEngine, reachable
from dirql.explorer.verdict import Holds, Result, Unknown, Violated
from dirql.model.algebra import arithmetic, equal, less, negation
from dirql.model.domain import Range
from dirql.model.expr import FALSE, TRUE, Constant, Read
from dirql.model.machine import (
    MODEL_BOUND,
    Access,
    AccessKind,
    Check,
    Context,
    ContextKind,
    Invariant,
    Machine,
    Progress,
    Transition,
    Variable,
)
from dirql.model.validation import MachineError

from ..machines import Clock
from ..models import many_beginnings, mutex, philosophers

N = Read("n")
HARDWARE = Context("timer", ContextKind.HARDWARE, "", Constant("none"), Constant(0))


def counting(high: int, *checks: Check, most: int | None = None) -> Machine:
    """A variable that counts from 0 to `most` (else `high`) one by one."""
    below = less(N, Constant(high if most is None else most))
    up = (("n", arithmetic("+", N, Constant(1))),)
    step = Transition("count", "timer", (below,), up, checks)
    return Machine("counting", (Variable("n", Range(0, high), (0,)),), (step,), (HARDWARE,))


def check(machine: Machine) -> Result:
    return ReferenceEngine().check(machine)


def test_a_long_chain() -> None:
    result = check(counting(5000))
    assert isinstance(result.verdict, Holds)
    found = result.statistics
    assert (found.states, found.transitions, found.depth) == (5001, 5000, 5000)
    assert result.engine == "reference"


def test_the_limit_of_states() -> None:
    result = ReferenceEngine().check(counting(5000), Limits(states=10))
    assert isinstance(result.verdict, Unknown)
    assert result.verdict.reason.startswith("the limit of 10 states was reached: 10 states found")
    assert result.verdict.possible is None
    assert result.statistics.states == 10
    assert not result.statistics.complete


def test_one_state_is_said_to_be_one() -> None:
    result = ReferenceEngine().check(counting(5000), Limits(seconds=0))
    assert isinstance(result.verdict, Unknown)
    assert "1 state found, 0 expanded" in result.verdict.reason


@pytest.mark.parametrize("limits", [Limits(seconds=0.1), Limits(memory=1)])
def test_more_initial_states_than_there_is_time_for(limits: Limits) -> None:
    """2^40 of them: the limit ends their making as well."""
    result = ReferenceEngine().check(many_beginnings(40), limits)
    assert isinstance(result.verdict, Unknown)
    assert result.limited
    assert not result.statistics.complete
    assert result.statistics.states < 2**40


def test_a_limit_that_is_just_enough_is_not_reached() -> None:
    result = ReferenceEngine().check(counting(9), Limits(states=10))
    assert isinstance(result.verdict, Holds)
    assert result.statistics.complete


def test_a_violation_found_before_the_limit_counts() -> None:
    machine = replace(
        counting(5000), invariants=(Invariant("seven", negation(equal(N, Constant(7)))),)
    )
    assert isinstance(ReferenceEngine().check(machine, Limits(states=8)).verdict, Violated)
    assert isinstance(ReferenceEngine().check(machine, Limits(states=7)).verdict, Unknown)


@pytest.mark.parametrize(
    ("limits", "words"), [(Limits(seconds=0), "0 seconds"), (Limits(memory=1), "1 bytes of memory")]
)
def test_the_limits_of_time_and_memory(limits: Limits, words: str) -> None:
    result = ReferenceEngine().check(counting(5000), limits)
    assert isinstance(result.verdict, Unknown)
    assert words in result.verdict.reason
    assert result.statistics.states < 5000


def test_the_resident_memory_is_plausible() -> None:
    assert 2**20 < resident_memory() < 2**40


def test_initial_states_beyond_the_limit_are_not_listed() -> None:
    variables = tuple(Variable(f"n{i}", Range(0, 99), tuple(range(100))) for i in range(9))
    result = ReferenceEngine().check(Machine("wide", variables, ()), Limits(states=100))
    assert isinstance(result.verdict, Unknown)  # and not after 10^18 states


def test_watching(monkeypatch: pytest.MonkeyPatch) -> None:
    """News come a tenth of a second apart, by a clock that goes on 0.03 s with each look."""
    monkeypatch.setattr(budget, "time", Clock(0.03))
    seen: list[Snapshot] = []
    ReferenceEngine().check(counting(200_000), Limits(seconds=1), seen.append)
    assert len(seen) == 8
    assert [snapshot.states for snapshot in seen] == sorted(snapshot.states for snapshot in seen)
    assert seen[-1].depth > 0


def test_a_step_out_of_the_domain_is_an_error_of_the_machine() -> None:
    with pytest.raises(
        MachineError, match=r"'count' of 'timer', variable 'n': 4 is outside 0\.\.3"
    ):
        check(counting(3, most=4))


def test_a_broken_bound_is_unknown() -> None:
    result = check(counting(3, Check(MODEL_BOUND, less(N, Constant(3)), "n is full"), most=4))
    assert isinstance(result.verdict, Unknown)
    assert result.verdict.reason == "a limit of the model was reached: n is full"
    assert result.verdict.possible is not None
    assert len(result.verdict.possible.steps) == 4
    assert result.statistics.complete


def test_a_violation_is_worth_more_than_a_bound_before_it() -> None:
    bound = Check(MODEL_BOUND, negation(equal(N, Constant(0))), "n is nothing")
    machine = counting(3, bound)
    again = replace(machine.transitions[0], checks=())
    machine = replace(
        machine,
        transitions=(*machine.transitions, again),
        invariants=(Invariant("three", negation(equal(N, Constant(3)))),),
    )
    assert isinstance(check(machine).verdict, Violated)


def test_a_bound_is_worth_more_than_progress() -> None:
    """What lies behind the bound is not known, so being stuck is not known either."""
    machine = counting(3, Check(MODEL_BOUND, less(N, Constant(3)), "n is full"), most=4)
    stuck = Progress("stuck-context", "timer", TRUE, FALSE)
    assert isinstance(check(replace(machine, progress=(stuck,))).verdict, Unknown)


def test_a_race_is_worth_more_than_a_bound() -> None:
    """It has happened, whatever lies behind the bound."""
    machine = counting(3, Check(MODEL_BOUND, less(N, Constant(3)), "n is full"), most=4)
    step = replace(machine.transitions[0], accesses=(Access("n", AccessKind.PLAIN_WRITE),))
    other = Context("other", ContextKind.HARDWARE, "", Constant("none"), Constant(0))
    machine = replace(
        machine,
        transitions=(step, replace(step, context="other", checks=())),
        contexts=(HARDWARE, other),
        races=("data-race",),
    )
    machine = replace(machine, variables=(Variable("n", Range(0, 4), (0,)),))
    verdict = check(machine).verdict
    assert isinstance(verdict, Violated)
    assert verdict.property == "data-race"
    assert isinstance(check(replace(machine, races=())).verdict, Unknown)


def test_a_rule_is_worth_more_than_a_bound_on_one_step() -> None:
    bound, rule = Check(MODEL_BOUND, FALSE, "bound"), Check("irql-too-high", FALSE, "rule")
    verdict = check(counting(3, bound, rule)).verdict
    assert isinstance(verdict, Violated)
    assert verdict.property == "irql-too-high"


def test_a_violation_through_an_opaque_step_is_unknown() -> None:
    machine = counting(3)
    step = replace(machine.transitions[0], opaque="the status of the bus")
    machine = replace(
        machine,
        transitions=(step,),
        invariants=(Invariant("two", negation(equal(N, Constant(2)))),),
    )
    verdict = check(machine).verdict
    assert isinstance(verdict, Unknown)
    assert verdict.reason == "two depends on the status of the bus"
    assert verdict.possible is not None
    assert len(verdict.possible.steps) == 2


def test_the_first_invariant_wins_and_invariants_win_over_checks() -> None:
    rule = Check("irql-too-high", less(N, Constant(1)), "")
    early = Invariant("early", less(N, Constant(2)))
    machine = replace(counting(3, rule), invariants=(early, replace(early, property="late")))
    verdict = check(machine).verdict
    # The check breaks on the second step, the invariants in the state that step would lead to:
    # the check ends the behaviour first.
    assert isinstance(verdict, Violated)
    assert verdict.property == "irql-too-high"
    beside = replace(machine.transitions[0], name="count quietly", checks=())
    verdict = check(replace(machine, transitions=(*machine.transitions, beside))).verdict
    assert isinstance(verdict, Violated)
    assert verdict.property == "early"


def test_a_quiescent_invariant_competes_at_the_distance_of_its_state() -> None:
    """At rest after two steps, where another step of the same length breaks a check."""
    machine = counting(2)
    rule = Check("irql-too-high", FALSE)
    bad = replace(machine.transitions[0], guard=(equal(N, Constant(1)),), checks=(rule,))
    machine = replace(
        machine,
        transitions=(*machine.transitions, bad),
        invariants=(Invariant("left", less(N, Constant(2)), quiescent=True),),
    )
    verdict = check(machine).verdict
    assert isinstance(verdict, Violated)
    assert verdict.property == "left"
    assert len(verdict.trace.steps) == 2


def test_the_states_behind_a_quiescent_violation_count() -> None:
    """The state at rest is expanded to know that it is, so the next one is found, one step away."""
    machine = counting(3)
    spontaneous = replace(machine.transitions[0], spontaneous=True)
    rest = Invariant("left", FALSE, quiescent=True)
    result = check(replace(machine, transitions=(spontaneous,), invariants=(rest,)))
    assert isinstance(result.verdict, Violated)
    assert result.verdict.trace.steps == ()
    assert (result.statistics.states, result.statistics.depth) == (2, 1)


def test_the_smaller_transition_wins_though_its_state_was_found_later() -> None:
    """From 0 to 1 and to 2; out of 1 the last transition breaks its check, out of 2 the first."""
    base = counting(2)

    def step(start: int, end: int, *checks: Check) -> Transition:
        guard, update = (equal(N, Constant(start)),), (("n", Constant(end)),)
        return Transition(f"from {start} to {end}", "timer", guard, update, checks)

    steps = (
        step(2, 0, Check("first", FALSE)),
        step(0, 1),
        step(0, 2),
        step(1, 0, Check("last", FALSE)),
    )
    verdict = check(replace(base, transitions=steps)).verdict
    assert isinstance(verdict, Violated)
    assert verdict.property == "first"


def test_reachable_ignores_what_must_hold() -> None:
    machine = replace(mutex(), invariants=(Invariant("never", FALSE),))
    assert len(reachable(machine)) == 3
    assert len(reachable(philosophers(3))) == 14


def test_a_machine_without_transitions() -> None:
    machine = Machine("still", (Variable("n", Range(0, 2), (0, 2)),), ())
    result = check(machine)
    assert isinstance(result.verdict, Holds)
    assert (result.statistics.states, result.statistics.depth) == (2, 0)


def _racing() -> Machine:
    """Two contexts that can write one location at once, and a long way for one of them after."""
    location = (Access("x", AccessKind.PLAIN_WRITE),)
    variables = tuple(Variable(name, Range(0, 5), (0,)) for name in ("a", "b"))
    steps = [
        Transition(
            f"{name} {number}",
            name,
            (equal(Read(name), Constant(number)),),
            ((name, Constant(number + 1)),),
            accesses=location if number == 0 else (),
        )
        for name in ("a", "b")
        for number in range(5)
    ]
    contexts = tuple(
        Context(name, ContextKind.THREAD, "", Constant("none"), Constant(0)) for name in ("a", "b")
    )
    return Machine("racing", variables, tuple(steps), contexts, races=("data-race",))


def test_a_race_found_before_the_limit_is_reported() -> None:
    """A real violation is not withheld because the search had to stop."""
    full = ReferenceEngine().check(_racing())
    assert isinstance(full.verdict, Violated)
    assert full.verdict.property == "data-race"
    early = ReferenceEngine().check(_racing(), Limits(states=full.statistics.states - 1))
    assert not early.statistics.complete
    assert isinstance(early.verdict, Violated)
    assert early.verdict.property == "data-race"
