"""The list of properties: names, kinds, pages, and that the kernel model uses no other names."""

import ast
import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from dirql import properties
from dirql.model.machine import MODEL_BOUND
from dirql.properties import PROPERTIES, Kind, Property, deadlock_goals

from .systems import EMPTY, Runner, lock_system

ROOT = Path(__file__).resolve().parents[2]
HEADINGS = ("What it checks", "Why it matters", "Example", "Fixed", "References")
BY_NAME = {item.name: item for item in PROPERTIES}

every_property = pytest.mark.parametrize("item", PROPERTIES, ids=lambda item: item.name)


def test_names_are_unique_and_kebab_case() -> None:
    assert len(BY_NAME) == len(PROPERTIES)
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)+", name) for name in BY_NAME)


def test_no_property_of_the_folder_is_left_out() -> None:
    found = {
        function
        for path in (ROOT / "properties").glob("*.py")
        if path.stem != "__init__"
        for _, function in inspect.getmembers(
            __import__(f"dirql.properties.{path.stem}", fromlist=["_"]), inspect.isfunction
        )
        if function.__module__.startswith(properties.__name__)
        and "What it checks:" in (function.__doc__ or "")
    }
    assert found == {item.function for item in PROPERTIES}


@every_property
def test_a_page_has_a_summary_and_all_headings_in_order(item: Property) -> None:
    assert item.summary.endswith(".")
    assert len(item.summary) <= 100
    headings = tuple(re.findall(r"^([A-Z][\w ]+):$", item.page, re.MULTILINE))
    assert headings == HEADINGS


@every_property
def test_references_name_rules_a_page_and_what_windows_does(item: Property) -> None:
    references = " ".join(item.page.partition("References:\n")[2].split())
    rules, page, outcome = re.split(r"; ", references, maxsplit=2)
    assert re.fullmatch(r"(?:[\d.]+|R\d+)(?:, (?:[\d.]+|R\d+))*", rules)
    assert page
    assert re.search(r"0x[0-9A-F]+|no bug check", outcome)


@every_property
def test_rules_and_races_add_no_conditions(item: Property) -> None:
    system = lock_system([Runner("T", ("+A", "-A")), Runner("I", ("+A", "-A"), "P0", 7)], ("P0",))
    conditions = item.conditions(system)
    if item.kind in (Kind.RULE, Kind.RACE):
        assert conditions == ()
    assert all(condition.property == item.name for condition in conditions)
    assert all(condition.detail for condition in conditions)


@every_property
def test_an_empty_system_breaks_nothing(item: Property) -> None:
    assert item.function(EMPTY) == ()


def checked_names(path: Path) -> Iterator[tuple[int, str]]:
    """(line, name) of every property named in a `Check(...)` or `broken(...)` of a module."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        function = node.func
        called = function.id if isinstance(function, ast.Name) else getattr(function, "attr", "")
        if called not in ("Check", "broken"):
            continue
        given = [*node.args[:1], *(k.value for k in node.keywords if k.arg in ("property", "name"))]
        for argument in given[:1]:
            if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                yield node.lineno, argument.value


def test_every_check_of_the_kernel_names_a_rule() -> None:
    paths = sorted((*ROOT.glob("model/kernel/**/*.py"), *ROOT.glob("model/compiler/**/*.py")))
    named = [(path.name, line, name) for path in paths for line, name in checked_names(path)]
    assert named
    rules = {item.name for item in PROPERTIES if item.kind is Kind.RULE} | {MODEL_BOUND}
    assert [entry for entry in named if entry[2] not in rules] == []


def test_every_bug_check_of_the_kernel_is_on_the_rules_page() -> None:
    page = (ROOT / "model" / "kernel" / "windows-rules.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"^\| (0x\w+) \| (\w+) \|", page, re.MULTILINE))
    used = {
        (path.name, code, name)
        for folder in ("model/kernel", "model/compiler", "properties")
        for path in (ROOT / folder).glob("**/*.py")
        for code, name in re.findall(
            r"\"(0x[0-9A-F]+) ([A-Z][A-Z_]{6,})", path.read_text(encoding="utf-8")
        )
    }
    assert used
    assert {entry for entry in used if entry[1:] not in listed} == set()


def test_deadlock_goals_cover_recursion_preemption_and_cycles() -> None:
    system = lock_system(
        [
            Runner("T", ("+A", "+B", "-B", "-A")),
            Runner("U", ("+B", "+A", "-A", "-B")),
            Runner("I", ("+A", "-A"), "P0", 7),
        ],
        ("P0", "P1"),
    )
    assert {goal.property for goal in deadlock_goals(system)} == {
        "recursive-lock-acquire",
        "preemption-deadlock",
        "lock-cycle",
    }


def test_goals_without_locks_are_none() -> None:
    assert deadlock_goals(EMPTY) == ()
