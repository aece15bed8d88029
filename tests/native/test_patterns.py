"""Every pattern: the native engine gives the answer of the reference, to the last step."""

from dataclasses import replace
from pathlib import Path

import pytest

from dirql.explorer.engine import Limits
from dirql.explorer.native import Cache, NativeEngine, exchange, reachable, spill
from dirql.explorer.reference import ReferenceEngine
from dirql.explorer.reference import reachable as reachable_by_reference
from dirql.explorer.replay import replay
from dirql.explorer.verdict import Result, Unknown, Violated
from dirql.explorer.workspace import Workspace
from dirql.model.compiler import compile_system
from dirql.model.kernel import make_knobs
from dirql.model.language import load_pattern
from dirql.model.machine import Machine
from dirql.properties import apply

FOLDER = Path(__file__).parents[2] / "patterns"

MOST_COMPARED = 20_000
"""States of a space that are compared one by one; of larger ones only how many there are."""

MOST_ON_DISK = 600
"""States of a space that is also explored on disk, and resumed."""


@pytest.fixture(autouse=True)
def _threads_for_few_states(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange, "ALONE", 0)
    monkeypatch.setattr(exchange, "ROUND", 256)
    monkeypatch.setattr(spill, "SHARDS", 3)


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.py")), ids=lambda path: path.stem)
def test_pattern(path: Path, tmp_path: Path) -> None:
    pattern = load_pattern(path)
    cache = Cache(tmp_path / "cache")
    for scenario in pattern.scenarios:
        for processors, _ in scenario.expect:
            knobs = make_knobs(dict(scenario.knobs))
            system = compile_system(pattern.program, scenario, processors, knobs)
            machine = apply(system, scenario.properties or None)
            expected = ReferenceEngine().check(machine)
            compare(machine, expected, NativeEngine(cache).check(machine))
            compare(machine, expected, NativeEngine(cache, workers=2).check(machine))
            if expected.statistics.complete and expected.statistics.states <= MOST_COMPARED:
                states = reachable_by_reference(machine)
                assert reachable(machine, 1, cache) == states
                assert reachable(machine, 2, cache) == states
            if expected.statistics.states <= MOST_ON_DISK:
                on_disk(machine, expected, cache, tmp_path)


def on_disk(machine: Machine, expected: Result, cache: Cache, folder: Path) -> None:
    """The same in files, and after having been ended half-way."""
    spilled = NativeEngine(cache, workspace=Workspace(spill=folder))
    compare(machine, expected, spilled.check(machine, Limits(memory=1)))
    if expected.statistics.complete:
        assert reachable(machine, 1, cache, folder) == reachable_by_reference(machine)
    kept = Workspace(checkpoint=folder / "kept", interval=0)
    half = Limits(states=max(1, expected.statistics.states // 2))
    if NativeEngine(cache, workspace=kept).check(machine, half).limited:
        resumed = NativeEngine(cache, 2, replace(kept, resume=True))
        compare(machine, expected, resumed.check(machine))


def compare(machine: Machine, expected: Result, found: Result) -> None:
    """Equal numbers, an equal verdict, an equally long way that can be gone."""
    assert replace(found.statistics, seconds=0) == replace(expected.statistics, seconds=0)
    match expected.verdict, found.verdict:
        case (Violated(_, one), Violated(_, other)):
            assert other.violation.property == one.violation.property
            assert len(other.steps) == len(one.steps)
            replay(machine, other)
        case (Unknown(_, one), Unknown(_, other)):
            assert (one is None) == (other is None)
        case _:
            assert found.verdict == expected.verdict
