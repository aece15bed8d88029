"""All engines on the same machines: random ones, random drivers, small patterns.

The native engine must agree with the reference in everything it counts; the solver, which looks at
behaviours up to a bound, in the verdict, the property and the shortest length up to that bound.
"""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, note, settings
from hypothesis import strategies as st

from dirql.explorer.engine import Limits
from dirql.explorer.native import NativeEngine, NoCache
from dirql.explorer.native import reachable as reachable_by_native
from dirql.explorer.reference import ReferenceEngine, reachable
from dirql.explorer.replay import replay
from dirql.explorer.symbolic.bounded import BoundedEngine
from dirql.explorer.verdict import Holds, Result, Unknown, Violated
from dirql.model.compiler import compile_system
from dirql.model.dump import dump
from dirql.model.kernel.knobs import Knobs
from dirql.model.language import load_pattern
from dirql.model.machine import Machine
from dirql.properties import PROPERTIES, Kind, apply

from ..language.loading import load_text
from ..language.sources import driver_sources
from ..machines import machines, racing_machines
from .small_drivers import small_drivers

PATTERNS = Path(__file__).parents[2] / "patterns"
BOUND = 7
_EXAMPLES = settings().max_examples
SLOW = settings(
    max_examples=max(3, _EXAMPLES // 5),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
ANY_DRIVER = st.one_of(small_drivers(), driver_sources())
NEAREST_FIRST = {
    item.name for item in PROPERTIES if item.kind in (Kind.RULE, Kind.INVARIANT, Kind.QUIESCENT)
}


def compiled(source: str, processors: int) -> Machine:
    """The driver with all properties."""
    pattern = load_text(source)
    return apply(compile_system(pattern.program, pattern.scenarios[0], processors))


def covered(result: Result) -> tuple[int, int, int, bool, frozenset[int]]:
    """All statistics but the time."""
    found = result.statistics
    return found.states, found.transitions, found.depth, found.complete, found.taken


def answer(machine: Machine, result: Result) -> tuple[str, str, int]:
    """Verdict, property and length of a result whose trace replays."""
    match result.verdict:
        case Violated(name, trace):
            replay(machine, trace)
            return "violated", name, len(trace.steps)
        case Unknown(_, trace) if trace is not None:
            replay(machine, trace)
            return "unknown", trace.violation.property, len(trace.steps)
        case Unknown():
            return "unknown", "", 0
        case Holds():
            return "holds", "", 0


def nearest(machine: Machine, result: Result) -> tuple[str, int] | None:
    """The rule or invariant that a result says is broken first, and how far away."""
    kind, name, length = answer(machine, result)
    asked = {item.property for item in machine.invariants} | {
        check.property for item in machine.transitions for check in item.checks
    }
    return (name, length) if kind == "violated" and name in asked else None


def agree_up_to(machine: Machine, bound: int) -> None:
    """The solver finds what the reference finds within `bound` steps, and nothing else."""
    expected = nearest(machine, ReferenceEngine().check(machine, Limits(states=20_000)))
    result = BoundedEngine(depth=bound, listed=0).check(machine, Limits(seconds=60))
    if isinstance(result.verdict, Unknown) and result.verdict.reason.startswith("time"):
        return
    found = nearest(machine, result)
    assert found == (expected if expected is not None and expected[1] <= bound else None)


# Random machines.


@given(st.one_of(machines(), racing_machines()))
def test_the_solver_on_random_machines(machine: Machine) -> None:
    note(dump(machine))
    expected = ReferenceEngine().check(machine)
    result = BoundedEngine(depth=40, listed=2_000).check(machine)
    if any(item.opaque for item in machine.transitions):
        return  # of ways of one length, one may depend on an unknown value
    assert answer(machine, result) == answer(machine, expected)


# Random drivers.


@SLOW
@given(source=ANY_DRIVER, processors=st.sampled_from((1, 2)))
def test_the_native_engine_on_random_drivers(source: str, processors: int) -> None:
    note(source)
    machine = compiled(source, processors)
    expected = ReferenceEngine().check(machine, Limits(states=8_000))
    assume(expected.statistics.states < 8_000)
    result = NativeEngine(cache=NoCache()).check(machine)
    assert covered(result) == covered(expected)
    assert answer(machine, result) == answer(machine, expected)
    if isinstance(expected.verdict, Holds):
        assert reachable_by_native(machine) == reachable(machine)


@settings(SLOW, max_examples=max(2, SLOW.max_examples // 2))
@given(source=small_drivers(), processors=st.sampled_from((1, 2)))
def test_the_solver_on_random_drivers(source: str, processors: int) -> None:
    note(source)
    agree_up_to(compiled(source, processors), BOUND)


# Patterns.


@pytest.mark.parametrize(
    "name", ["isr_before_context_ready", "spin_lock_taken_by_isr", "pcidrv_stop_fixed"]
)
def test_all_engines_on_patterns(name: str) -> None:
    pattern = load_pattern(PATTERNS / f"{name}.py")
    scenario = pattern.scenarios[0]
    system = compile_system(pattern.program, scenario, 1, Knobs(scenario.knobs))
    machine = apply(system, scenario.properties or None)
    expected = ReferenceEngine().check(machine)
    result = NativeEngine(cache=NoCache()).check(machine)
    assert covered(result) == covered(expected)
    assert answer(machine, result) == answer(machine, expected)
    found = nearest(machine, expected)
    agree_up_to(machine, found[1] if found and found[1] < 15 else BOUND)
