"""The reference explorer against the oracle, on random machines."""

from hypothesis import given, note
from hypothesis import strategies as st

from dirql.explorer.reference import ReferenceEngine, reachable
from dirql.explorer.replay import replay
from dirql.explorer.verdict import Holds, Result, Unknown, Violated
from dirql.model.dump import dump
from dirql.model.machine import Machine

from ..machines import machines, racing_machines
from ..oracle import Answer, Oracle

ANY = st.one_of(machines(), racing_machines())


@given(machines(findings=False))
def test_reachable_states_are_those_of_the_oracle(machine: Machine) -> None:
    assert reachable(machine) == Oracle(machine).reachable()


@given(ANY)
def test_verdict_length_and_statistics_are_those_of_the_oracle(machine: Machine) -> None:
    note(dump(machine))
    answer = Oracle(machine).answer()
    result = ReferenceEngine().check(machine)
    found = result.statistics
    assert (found.states, found.transitions) == (answer.states, answer.transitions)
    assert (found.depth, found.complete) == (answer.depth, answer.complete)
    assert found.taken == answer.taken
    compare_verdicts(result, answer)


@given(ANY)
def test_every_trace_replays(machine: Machine) -> None:
    match ReferenceEngine().check(machine).verdict:
        case Violated(_, trace) | Unknown(_, trace) if trace is not None:
            assert len(replay(machine, trace)) >= len(trace.steps)
        case _:
            pass


def compare_verdicts(result: Result, answer: Answer) -> None:
    """An opaque step on the way makes a violation unknown; ways of one length may differ in it."""
    match result.verdict:
        case Holds():
            assert answer.kind == "holds"
        case Violated(property, trace):
            assert (answer.kind, answer.property) == ("violated", property)
            assert len(trace.steps) == answer.length
            assert answer.clean
        case Unknown(_, trace):
            assert trace is not None
            assert trace.violation.property == answer.property
            assert len(trace.steps) == answer.length
            assert answer.kind == "unknown" or answer.opaque
