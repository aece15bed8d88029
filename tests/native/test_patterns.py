"""Every pattern: the native engine gives the same answer as the reference, to the last step."""

from dataclasses import replace
from pathlib import Path

import pytest

from dirql.explorer.native import NativeEngine, NoCache
from dirql.explorer.reference import ReferenceEngine
from dirql.explorer.verdict import Unknown, Violated
from dirql.model.compiler import compile_system
from dirql.model.kernel import make_knobs
from dirql.model.language import load_pattern
from dirql.properties import apply

FOLDER = Path(__file__).parents[2] / "patterns"


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.py")), ids=lambda path: path.stem)
def test_pattern(path: Path) -> None:
    pattern = load_pattern(path)
    for scenario in pattern.scenarios:
        for processors, _ in scenario.expect:
            knobs = make_knobs(dict(scenario.knobs))
            system = compile_system(pattern.program, scenario, processors, knobs)
            machine = apply(system, scenario.properties or None)
            expected = ReferenceEngine().check(machine)
            found = NativeEngine(cache=NoCache()).check(machine)
            assert replace(found.statistics, seconds=0) == replace(expected.statistics, seconds=0)
            assert type(found.verdict) is type(expected.verdict)
            if isinstance(expected.verdict, Violated | Unknown):
                assert found.verdict == expected.verdict
