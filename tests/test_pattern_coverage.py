"""Nothing is checked, modelled or asked that no pattern shows.

Every property is broken by some pattern, every kernel routine is called by one, and every knob
decides one: its verdict differs between two scenarios that differ in that knob alone.
"""

import ast
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import pytest

from dirql.model.kernel import KNOBS, ROUTINES, make_knobs
from dirql.model.language import load_pattern
from dirql.model.scenario import Expectation, Scenario
from dirql.model.scenario import Violated as ExpectedViolated
from dirql.properties import PROPERTIES

FILES = sorted((Path(__file__).parent.parent / "patterns").glob("*.py"))


def verdict(expected: Expectation) -> str:
    """The property that an expectation names, or `holds`."""
    return expected.property if isinstance(expected, ExpectedViolated) else "holds"


@pytest.fixture(scope="module")
def scenarios() -> list[list[Scenario]]:
    """The scenarios of every pattern."""
    return [list(load_pattern(path).scenarios) for path in FILES]


def test_every_property_is_broken_by_a_pattern(scenarios: list[list[Scenario]]) -> None:
    found = {verdict(item) for file in scenarios for one in file for _, item in one.expect}
    assert {item.name for item in PROPERTIES} == found - {"holds"}


def test_every_kernel_routine_is_called_by_a_pattern() -> None:
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in FILES]
    calls = (node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Call))
    called = {call.func.id for call in calls if isinstance(call.func, ast.Name)}
    assert {item.name for item in ROUTINES} - called == set()


def without(scenario: Scenario, knob: str) -> Scenario:
    """The scenario as far as it is not its name, its expectations or this knob."""
    others = make_knobs({name: value for name, value in scenario.knobs if name != knob})
    return replace(scenario, name="", expect=(), knobs=others.settings)


def decides(knob: str, one: Scenario, other: Scenario) -> bool:
    """Whether the two scenarios differ in the knob alone, and some verdict with it."""
    verdicts = [dict(item.expect) for item in (one, other)]
    common = verdicts[0].keys() & verdicts[1].keys()
    return without(one, knob) == without(other, knob) and any(
        verdict(verdicts[0][count]) != verdict(verdicts[1][count]) for count in common
    )


@pytest.mark.parametrize("knob", [item.name for item in KNOBS])
def test_every_knob_decides_a_pattern(scenarios: list[list[Scenario]], knob: str) -> None:
    pairs = (pair for file in scenarios for pair in combinations(file, 2))
    assert any(decides(knob, *pair) for pair in pairs)
