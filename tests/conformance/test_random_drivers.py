"""Random drivers: never a traceback, every violation replays, every shortest trace is shortest."""

import subprocess
import sys

from hypothesis import HealthCheck, assume, given, note, settings
from hypothesis import strategies as st

from dirql.explorer.engine import Limits
from dirql.explorer.reference import ReferenceEngine
from dirql.explorer.replay import replay
from dirql.explorer.verdict import Holds, Unknown, Violated
from dirql.model.compiler import compile_system
from dirql.model.digest import digest
from dirql.model.language import PatternError
from dirql.model.machine import Machine
from dirql.properties import PROPERTIES, Kind, apply
from tests.language.loading import load_text
from tests.language.sources import driver_sources
from tests.nearest import Search

from .small_drivers import small_drivers

MOST_STATES = 2_000
SLOW = settings(
    max_examples=max(10, settings().max_examples),
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


@SLOW
@given(st.one_of(driver_sources(), small_drivers()), st.sampled_from([1, 2]))
def test_random_drivers(source: str, processors: int) -> None:
    """Whatever the driver, the answer is a verdict, and a violation is real and shortest."""
    note(source)
    machine = _machine(source, processors)
    assume(machine is not None)
    assert machine is not None
    result = ReferenceEngine().check(machine, Limits(states=MOST_STATES))
    match result.verdict:
        case Violated(name, trace):
            assert name in {item.name for item in PROPERTIES}
            replay(machine, trace)
            found = Search(machine).nearest() if result.statistics.complete else None
            if name in NEAREST_FIRST:
                found = Search(machine).nearest()
                assert found is not None
                assert found[0] == len(trace.steps)
                assert name in found[1]
            else:
                assert found is None  # a rule or an invariant comes first, however far away
        case Holds():
            assert Search(machine).nearest() is None
        case Unknown():
            pass


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
