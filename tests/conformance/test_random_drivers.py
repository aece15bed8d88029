"""Random drivers: never a traceback, every violation replays, every shortest trace is shortest."""

import subprocess
import sys
from collections import deque

from hypothesis import HealthCheck, assume, given, note, settings
from hypothesis import strategies as st

from dirql.explorer.engine import Limits
from dirql.explorer.reference import ReferenceEngine
from dirql.explorer.replay import replay
from dirql.explorer.trace import Trace
from dirql.explorer.verdict import Violated
from dirql.model.compiler import compile_system
from dirql.model.digest import digest
from dirql.model.language import PatternError
from dirql.model.machine import MODEL_BOUND, Machine
from dirql.properties import PROPERTIES, Kind, apply
from tests.language.loading import load_text
from tests.language.sources import driver_sources
from tests.oracle import Oracle, State

MOST_STATES = 80
SLOW = settings(
    max_examples=6,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
NEAREST_FIRST = {
    item.name for item in PROPERTIES if item.kind in (Kind.RULE, Kind.INVARIANT, Kind.QUIESCENT)
}


def _machine(source: str, processors: int) -> Machine | None:
    """The driver compiled, or nothing where the compiler refuses it with a proper message."""
    pattern = load_text(source)
    try:
        system = compile_system(pattern.program, pattern.scenarios[0], processors)
    except PatternError:
        return None
    return apply(system, None)


def _nearest(machine: Machine) -> int | None:
    """The smallest distance of a broken check or (quiescent) invariant, by plain search."""
    oracle = Oracle(machine)
    starts = [state for state in oracle.reachable() if _initial(machine, state)]
    queue: deque[tuple[State, int]] = deque((state, 0) for state in starts)
    known = set(starts)
    best: int | None = None
    while queue:
        state, distance = queue.popleft()
        if best is not None and distance >= best:
            break
        if any(
            not oracle.holds(item.condition, state)
            for item in machine.invariants
            if not item.quiescent or oracle.quiescent(state)
        ):
            return distance
        for index in oracle.enabled(state):
            transition = machine.transitions[index]
            broken = [machine.transitions[index].checks[n] for n in oracle.broken(index, state)]
            if any(check.property != MODEL_BOUND for check in broken):
                best = distance + 1
            elif not broken:
                following = oracle.after(transition, state)
                if following not in known:
                    known.add(following)
                    queue.append((following, distance + 1))
    return best


def _initial(machine: Machine, state: State) -> bool:
    return all(
        value in variable.initial for variable, value in zip(machine.variables, state, strict=True)
    )


def _confirm(machine: Machine, trace: Trace) -> None:
    """The trace replays, and nothing nearer is wrong."""
    replay(machine, trace)
    if trace.violation.property in NEAREST_FIRST:
        assert _nearest(machine) == len(trace.steps)


@SLOW
@given(driver_sources(), st.sampled_from([1, 2]))
def test_random_drivers(source: str, processors: int) -> None:
    """Whatever the driver, the answer is a verdict, and a violation is real and shortest."""
    note(source)
    machine = _machine(source, processors)
    assume(machine is not None)
    assert machine is not None
    result = ReferenceEngine().check(machine, Limits(states=2_000))
    if isinstance(result.verdict, Violated):
        assert result.verdict.property in {item.name for item in PROPERTIES}
        replay(machine, result.verdict.trace)
        if result.statistics.states <= MOST_STATES:
            small = ReferenceEngine().check(machine, Limits(states=MOST_STATES))
            assert isinstance(small.verdict, Violated)
            _confirm_if_small(machine, small.verdict.trace)


def _confirm_if_small(machine: Machine, trace: Trace) -> None:
    """Compare with the plain search where the whole state space is small enough for it."""
    unchecked = Machine(machine.name, machine.variables, machine.transitions, machine.contexts)
    whole = ReferenceEngine().check(unchecked, Limits(states=MOST_STATES))
    if whole.statistics.states < MOST_STATES:
        _confirm(machine, trace)


_DIGEST = """
import sys
from pathlib import Path
from dirql.model.compiler import compile_system
from dirql.model.digest import digest
from dirql.model.language import load_pattern
from dirql.properties import apply
pattern = load_pattern(Path(sys.argv[1]))
print(digest(apply(compile_system(pattern.program, pattern.scenarios[0], 2), None)))
"""


def test_the_same_machine_in_every_process() -> None:
    """The digest does not depend on the seed with which Python hashes strings."""
    path = "patterns/serial_irp_lost.py"
    root = __file__.rpartition("tests")[0]
    digests = {
        subprocess.run(
            [sys.executable, "-c", _DIGEST, root + path],
            env={"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "12345")
    }
    assert len(digests) == 1
    assert len(digests.pop().strip()) == len(digest(Machine("", (), ())))
