"""Bounded model checking against a search that takes the contract at its word."""

from hypothesis import given

from dirql.explorer.bounded import BoundedEngine
from dirql.explorer.levels import reachable_set
from dirql.explorer.verdict import Holds, Unknown, Violated
from dirql.model.machine import MODEL_BOUND, Machine

from .brute import Brute
from .machines import machines

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
        case Unknown(_, possible):
            assert later is None
            assert bounded
            assert possible is not None
            assert possible.violation.property == MODEL_BOUND
        case Holds():
            assert later is None
            assert not bounded
            assert result.statistics.complete
            assert result.statistics.states == len(brute.depth)
            assert result.statistics.depth == max(brute.depth.values())
            steps = [len(brute.enabled(state)) for state in brute.depth]
            assert result.statistics.transitions == sum(steps)
