"""A cited rule is a checked rule: what cites R1 to R86 has a driver here that breaks the rule."""

import re
from pathlib import Path

import pytest

from dirql.explorer.engine import Limits
from dirql.explorer.reference import ReferenceEngine
from dirql.explorer.verdict import Holds, Verdict, Violated
from dirql.model.compiler import compile_system
from dirql.model.kernel.knobs import make_knobs
from dirql.properties import PROPERTIES, Property, apply

from ..language.loading import load_text
from . import (
    connecting,
    deferring,
    levels,
    locking,
    recording,
    removing,
    serving,
    sharing,
)
from .cases import Case

ROOT = Path(__file__).resolve().parents[2]
CASES = (
    *connecting.CASES,
    *serving.CASES,
    *recording.CASES,
    *sharing.CASES,
    *locking.CASES,
    *levels.CASES,
    *deferring.CASES,
    *removing.CASES,
)

each_case = pytest.mark.parametrize(
    "case", CASES, ids=[f"{case.rule.replace(' ', '+')}-{case.words}" for case in CASES]
)


def verdict(case: Case, rest: str, properties: tuple[str, ...] | None) -> Verdict:
    """What becomes of the driver with `rest` in it."""
    pattern = load_text(case.source(rest))
    scenario = pattern.scenarios[0]
    knobs = make_knobs(dict(scenario.knobs))
    system = compile_system(pattern.program, scenario, case.processors, knobs)
    return ReferenceEngine().check(apply(system, properties), Limits(states=100_000)).verdict


@each_case
def test_what_breaks_the_rule_is_reported(case: Case) -> None:
    found = verdict(case, case.breaks, (case.broken,))
    assert isinstance(found, Violated), (case.rule, found)
    assert found.property == case.broken


@each_case
def test_what_keeps_the_rule_holds(case: Case) -> None:
    found = verdict(case, case.keeps, None)
    assert isinstance(found, Holds), (case.rule, found)


def cited_by_the_kernel() -> set[str]:
    """The driver rules that kernel rules name beside a step."""
    texts = (path.read_text(encoding="utf-8") for path in (ROOT / "model/kernel").glob("*.py"))
    return {rule for text in texts for rule in re.findall(r"\bR\d+\b", text)}


def unchecked() -> set[str]:
    """The driver rules that the page about limits declares unchecked."""
    limits = (ROOT / "docs" / "limits.md").read_text(encoding="utf-8")
    section = limits.partition("## Driver rules that no property checks")[2].partition("\n## ")[0]
    found: set[str] = set()
    for first, last in re.findall(r"\b(R\d+)(?: to (R\d+))?", section):
        found |= {f"R{number}" for number in range(int(first[1:]), int((last or first)[1:]) + 1)}
    return found


@pytest.mark.parametrize("item", PROPERTIES, ids=lambda item: item.name)
def test_a_property_is_broken_by_every_rule_it_cites(item: Property) -> None:
    shown = {rule for case in CASES if case.broken == item.name for rule in case.rules}
    assert set(re.findall(r"\bR\d+\b", item.page)) == shown


def test_a_kernel_rule_cites_what_is_checked() -> None:
    shown = {rule for case in CASES for rule in case.rules}
    assert cited_by_the_kernel() - shown == set()


def test_what_is_declared_unchecked_is_not_checked() -> None:
    shown = {rule for case in CASES for rule in case.rules}
    assert unchecked() & (shown | cited_by_the_kernel()) == set()
