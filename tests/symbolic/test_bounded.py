"""Bounded model checking against a search that takes the contract at its word."""

from dataclasses import replace

import pytest
from hypothesis import given

from dirql.explorer.engine import Limits
from dirql.explorer.replay import replay
from dirql.explorer.symbolic.bounded import BoundedEngine
from dirql.explorer.symbolic.levels import reachable_set
from dirql.explorer.verdict import Holds, Unknown, Violated
from dirql.model.domain import Range
from dirql.model.expr import Arithmetic, Compare, Constant, Read
from dirql.model.machine import MODEL_BOUND, Invariant, Machine, Transition, Variable
from dirql.model.validation import MachineError

from .brute import Brute
from .machines import CONTEXTS, machines, peterson

ENGINE = BoundedEngine(depth=30, listed=2000)


@given(machines())
def test_the_formulas_reach_the_same_states(machine: Machine) -> None:
    assert reachable_set(machine) == frozenset(Brute(machine).depth)


@given(machines())
def test_the_verdict_is_that_of_the_contract(machine: Machine) -> None:
    brute = Brute(machine)
    result = ENGINE.check(machine)
    first = brute.finding()
    bounded = any(name == MODEL_BOUND for *_, name in brute.broken)
    later = None if bounded and first is None else first or brute.stuck() or brute.race()
    match result.verdict:
        case Violated(name, trace):
            assert later is not None
            assert (name, len(trace.steps)) == (later.property, later.steps)
            replay(machine, trace)
        case Unknown(_, possible):
            assert later is None
            assert bounded
            assert possible is not None
            assert possible.violation.property == MODEL_BOUND
            replay(machine, possible)
        case Holds():
            assert later is None
            assert not bounded
            assert result.statistics.complete
            assert result.statistics.states == len(brute.depth)
            assert result.statistics.depth == max(brute.depth.values())
            steps = [len(brute.enabled(state)) for state in brute.depth]
            assert result.statistics.transitions == sum(steps)


def test_a_bound_is_no_proof() -> None:
    verdict = BoundedEngine(depth=3).check(peterson()).verdict
    assert isinstance(verdict, Unknown)
    assert "within 3 steps" in verdict.reason


def test_a_machine_too_large_to_list_is_not_said_to_hold() -> None:
    result = BoundedEngine(depth=10, listed=5).check(peterson())
    assert isinstance(result.verdict, Unknown)
    assert not result.statistics.complete


def test_a_violation_is_found_without_listing() -> None:
    verdict = BoundedEngine(depth=10, listed=0).check(peterson(swapped=True)).verdict
    assert isinstance(verdict, Violated)
    assert len(verdict.trace.steps) == 6


def test_time_that_runs_out_is_said() -> None:
    verdict = BoundedEngine().check(peterson(), Limits(seconds=1e-9)).verdict
    assert isinstance(verdict, Unknown)
    assert verdict.reason.startswith("time ran out")


def opaque(*, other_way: bool) -> Machine:
    """Leaves a range in one step that depends on an unknown value, or also in one that does not."""
    wrong = Invariant("claim-broken", Compare("==", Read("n"), Constant(0)))
    step = Transition("guess", "device", (), (("n", Constant(1)),), opaque="the status")
    steps = (step, replace(step, name="know", opaque="")) if other_way else (step,)
    return Machine("opaque", (Variable("n", Range(0, 1), (0,)),), steps, CONTEXTS[2:], (wrong,))


def test_a_violation_that_needs_an_unknown_value_is_only_possible() -> None:
    verdict = BoundedEngine().check(opaque(other_way=False)).verdict
    assert isinstance(verdict, Unknown)
    assert "depends on the status" in verdict.reason
    assert verdict.possible is not None
    assert isinstance(BoundedEngine().check(opaque(other_way=True)).verdict, Violated)


def test_a_step_out_of_a_domain_is_an_error_not_a_dead_end() -> None:
    n = Arithmetic("+", Read("n"), Constant(1))
    step = Transition("count", "device", (), (("n", n),))
    machine = Machine("count", (Variable("n", Range(0, 2), (0,)),), (step,), CONTEXTS[2:])
    with pytest.raises(MachineError, match="'count' of device"):
        BoundedEngine().check(machine)
