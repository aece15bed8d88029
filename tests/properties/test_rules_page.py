"""windows-rules.md: every cited number exists, and so does every knob and bug check."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from dirql.model.kernel import KNOBS
from dirql.properties import PROPERTIES

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "model" / "kernel" / "windows-rules.md"
CITING = sorted((*ROOT.glob("model/**/*.py"), *ROOT.glob("properties/*.py")))

NUMBER = re.compile(r"(?<![\w./])(?:\d{1,2}(?:\.\d{1,2}){1,2}|\d{1,2}\.A|R\d{1,2})(?![\w/]|\.\d)")
ONLY_NUMBERS = re.compile(rf"(?:{NUMBER.pattern})(?:[,;] ?(?:{NUMBER.pattern}))*")


def stated_rules() -> set[str]:
    """The numbers of the page: of its rules, and of the sections they stand in."""
    text = PAGE.read_text(encoding="utf-8")
    rules = re.findall(r"^- \*\*([\d.R]+)\*\*", text, re.MULTILINE)
    sections = re.findall(r"^###? ([\d.A]+?)\.? ", text, re.MULTILINE)
    assert len(rules) == len(set(rules)), "a rule is stated twice"
    return {*rules, *sections}


def cited_rules(path: Path) -> Iterator[tuple[int, str]]:
    """(line, number) of every citation: in docstrings, and in strings that are nothing else."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        and ast.get_docstring(node) is not None
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if not isinstance(node, ast.Constant) or not isinstance(node.value, str):
            continue
        if id(node) in docstrings or ONLY_NUMBERS.fullmatch(node.value):
            for number in NUMBER.findall(node.value):
                yield node.lineno, number


def test_every_cited_rule_is_stated() -> None:
    stated = stated_rules()
    missing = [
        f"{path.relative_to(ROOT)}:{line}: {number}"
        for path in CITING
        for line, number in cited_rules(path)
        if number not in stated
    ]
    assert not missing


def test_the_scan_sees_citations() -> None:
    cited = {number for path in CITING for _, number in cited_rules(path)}
    assert {"6.1.1", "7.1.2", "10.29", "R38"} <= cited


def test_every_driver_rule_is_cited_by_a_property_or_listed_as_unchecked() -> None:
    limits = (ROOT / "docs" / "limits.md").read_text(encoding="utf-8")
    section = limits.partition("## Driver rules that no property checks")[2].partition("\n## ")[0]
    listed: set[str] = set()
    for first, last in re.findall(r"\b(R\d+)(?: to (R\d+))?", section):
        numbers = range(int(first[1:]), int((last or first)[1:]) + 1)
        listed |= {f"R{number}" for number in numbers}
    cited = {number for item in PROPERTIES for number in re.findall(r"\bR\d+", item.page)}
    rules = {number for number in stated_rules() if number.startswith("R")}
    assert not listed - rules
    assert rules - cited == listed


def test_cross_references_of_the_page_are_stated() -> None:
    stated = stated_rules()
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    rules = [line for line in lines if line.startswith("- **")]
    missing = [
        (line, number)
        for line in rules
        for group in re.findall(r"\(([^()]*)\)|\[([^\[\]]*)\]", line.split("**", 2)[2])
        for number in NUMBER.findall(" ".join(group))
        if number not in stated
    ]
    assert not missing


def test_every_rule_names_its_source() -> None:
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    bare = [
        line
        for line in lines
        if re.match(r"- \*\*(R|[1-8]\.)", line)
        and not re.search(r"\[[^\]]+\]|\*(KMDF|ReactOS|derived|choice)\*", line)
    ]
    assert not bare


def test_knobs_are_listed_with_their_values_default_first() -> None:
    text = PAGE.read_text(encoding="utf-8")
    listed = re.findall(r"^\| `(\w+)` \| ([\w, ]+) \| ([\d.]+) \|$", text, re.MULTILINE)
    expected = [
        (
            knob.name,
            ", ".join((knob.default, *(item for item in knob.values if item != knob.default))),
            knob.rule,
        )
        for knob in KNOBS
    ]
    assert sorted(listed) == sorted(expected)


def test_every_bug_check_of_a_property_page_is_listed() -> None:
    text = PAGE.read_text(encoding="utf-8")
    listed = set(re.findall(r"^\| (0x\w+) \| (\w+) \|", text, re.MULTILINE))
    for item in PROPERTIES:
        for code, name in re.findall(r"(0x[0-9A-F]+) ([A-Z][A-Z_]{6,})", item.page):
            assert (code, name) in listed, (item.name, code, name)
