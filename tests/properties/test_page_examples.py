"""The code on the page of a property: the example breaks it, and with the fix it holds."""

import re
from textwrap import dedent

import pytest

from dirql.explorer.reference import ReferenceEngine
from dirql.explorer.verdict import Holds, Verdict, Violated
from dirql.model.compiler import compile_system
from dirql.model.kernel import make_knobs
from dirql.properties import PROPERTIES, Property, apply, rules_that_cut

from ..language.loading import load_text
from .page_drivers import FRAMES, Frame

every_property = pytest.mark.parametrize("item", PROPERTIES, ids=lambda item: item.name)


def code(item: Property, heading: str) -> str:
    """The code under a heading of the page."""
    found = re.search(rf"^{heading}:\n((?: .*\n|\n)*)", item.page, re.MULTILINE)
    assert found is not None
    return dedent(found.group(1))


def verdicts(text: str, name: str) -> list[tuple[Verdict, tuple[str, ...]]]:
    """On one and two processors: the verdict on property `name`, and the rules that cut it."""
    pattern = load_text(text)
    (scenario,) = pattern.scenarios
    answers: list[tuple[Verdict, tuple[str, ...]]] = []
    for count in scenario.processors:
        system = compile_system(pattern.program, scenario, count, make_knobs(dict(scenario.knobs)))
        result = ReferenceEngine().check(apply(system, [name]))
        answers.append((result.verdict, rules_that_cut(system, [name], result.statistics.taken)))
    return answers


@every_property
def test_the_example_breaks_the_property(item: Property) -> None:
    found = verdicts(FRAMES.get(item.name, Frame()).driver(code(item, "Example")), item.name)
    broken = [verdict.property for verdict, _ in found if isinstance(verdict, Violated)]
    assert set(broken) == {item.name}


@every_property
def test_with_the_fix_it_holds(item: Property) -> None:
    text = FRAMES.get(item.name, Frame()).driver(code(item, "Example"), code(item, "Fixed"))
    for verdict, cut_by in verdicts(text, item.name):
        assert isinstance(verdict, Holds)
        assert cut_by == ()
