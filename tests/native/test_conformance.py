"""The native engine against the reference and the oracle, on random machines."""

import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from dirql.explorer.native import NativeEngine, NoCache, exchange, reachable
from dirql.explorer.reference import ReferenceEngine
from dirql.explorer.reference import reachable as reachable_by_reference
from dirql.explorer.replay import replay
from dirql.explorer.verdict import Result, Unknown, Violated
from dirql.model.dump import dump
from dirql.model.machine import Machine

from ..conformance.test_reference import compare_verdicts
from ..machines import machines, racing_machines
from ..oracle import Oracle

WORKERS = st.sampled_from((1, 2, 3))
FIXTURES = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
ANY = st.one_of(machines(), racing_machines())


def covered(result: Result) -> tuple[int, int, int, bool, frozenset[int]]:
    """All statistics but the time."""
    found = result.statistics
    return found.states, found.transitions, found.depth, found.complete, found.taken


@pytest.fixture(autouse=True)
def _threads_for_few_states(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange, "ALONE", 0)
    monkeypatch.setattr(exchange, "ROUND", 64)


def check(machine: Machine, workers: int) -> Result:
    return NativeEngine(cache=NoCache(), workers=workers).check(machine)


@FIXTURES
@given(machines(findings=False), WORKERS)
def test_reachable_states_are_those_of_the_reference(machine: Machine, workers: int) -> None:
    assert reachable(machine, workers) == reachable_by_reference(machine)


@FIXTURES
@given(ANY, WORKERS)
def test_the_answer_is_that_of_the_reference(machine: Machine, workers: int) -> None:
    note(dump(machine))
    expected, result = ReferenceEngine().check(machine), check(machine, workers)
    assert covered(result) == covered(expected)
    compare_verdicts(result, Oracle(machine).answer())
    if not any(transition.opaque for transition in machine.transitions):
        assert type(result.verdict) is type(expected.verdict)
    match expected.verdict, result.verdict:
        case (Violated(_, one), Violated(_, other)):
            assert one.violation.property == other.violation.property
            assert len(one.steps) == len(other.steps)
        case _:
            pass


@FIXTURES
@given(ANY, WORKERS)
def test_every_trace_replays(machine: Machine, workers: int) -> None:
    match check(machine, workers).verdict:
        case Violated(_, trace) | Unknown(_, trace) if trace is not None:
            assert len(replay(machine, trace)) >= len(trace.steps)
        case _:
            pass
