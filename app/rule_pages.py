"""`dirql explain 6.1.1`: a Windows rule, its source, and where the model follows it."""

import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from dirql.model.kernel.knobs import KNOBS
from dirql.properties import PROPERTIES

PACKAGE = "dirql.model.kernel"
PAGE = "windows-rules.md"
WHERE = "model/kernel"

LOOKS_LIKE_A_RULE = re.compile(r"R?\d+(\.\d+)*(\.A)?", re.IGNORECASE)
"""What a number of a rule or of a section looks like."""

RULE = re.compile(r"- \*\*(?P<number>[\d.R]+)\*\* (?P<text>.*)")
HEADING = re.compile(r"(?P<depth>##+) (?P<title>(?P<number>[\d.]+\d|\d+\.A|\d+\.[\d.]*A)?\.? ?.*)")
SOURCE = re.compile(r"\[(?P<source>[^\]]*)\]$")
SAME = "same"
"""Stands for the source of the rule before."""

WIDTH = 100
"""The longest line of a page."""

WIKI = "https://learn.microsoft.com/windows-hardware/drivers/"


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of the page: its number, what it says, who says so, under which headings."""

    number: str
    text: str
    source: str
    headings: tuple[str, ...]


@cache
def rules() -> tuple[Rule, ...]:
    """All rules, in the order of the page."""
    found: list[Rule] = []
    headings: dict[int, str] = {}
    source = ""
    for line in _page().splitlines():
        if heading := HEADING.fullmatch(line):
            depth = len(heading["depth"])
            headings = {at: title for at, title in headings.items() if at < depth}
            headings[depth] = heading["title"]
        elif rule := RULE.fullmatch(line):
            text = rule["text"]
            cited = SOURCE.search(text)
            said = cited["source"] if cited else ""
            source = source if said == SAME else said
            words = text[: cited.start()].rstrip() if cited else text
            found.append(Rule(rule["number"], words, source, tuple(headings.values())))
    return tuple(found)


def _page() -> str:
    return files(PACKAGE).joinpath(PAGE).read_text(encoding="utf-8")


def find(wanted: str) -> tuple[Rule, ...]:
    """The rule numbered `wanted`, or all rules of the section numbered so."""
    known = rules()
    exact = tuple(item for item in known if item.number == wanted.upper())
    return exact or tuple(item for item in known if item.number.startswith(f"{wanted}."))


def rule_page(wanted: str, found: tuple[Rule, ...]) -> str:
    """The rules `found` for `wanted`, as a page."""
    single = len(found) == 1
    title = f"{found[0].number} (Windows rule)" if single else f"{wanted} (Windows rules)"
    lines = [title, "=" * len(title), ""]
    for item in found:
        text = _plain(item.text) if single else f"{item.number}  {_plain(item.text)}"
        lines += [*textwrap.wrap(text, WIDTH, break_on_hyphens=False), ""]
    lines += ["Section:", *_indented(_plain(found[0].headings[-1]).split("\n")), ""]
    if single:
        lines += ["Source:", *_indented(_sources(found[0])), ""]
    used = [*_citing_code(found), *_citing_pages(found)]
    lines += ["Followed by:", *_indented(used or ["nothing in the model yet"])]
    lines += ["", f"All rules: {WHERE}/{PAGE}"]
    return "\n".join(lines)


def _plain(text: str) -> str:
    """Markdown emphasis is not for terminals."""
    return text.replace("*", "").replace("`", "")


def _indented(lines: list[str]) -> Iterator[str]:
    return (f"    {line}" for line in lines)


def _sources(rule: Rule) -> list[str]:
    if not rule.source:
        return ["see the rules named in it" if "(" in rule.text else "section 10 says why"]
    return [_plain(rule.source), f"pages of that name on {WIKI}"]


def _citing_code(found: tuple[Rule, ...]) -> Iterator[str]:
    """The kernel rule files that cite a rule, with the lines."""
    numbers = "|".join(re.escape(item.number) for item in found)
    cites = re.compile(rf"(?<![\w.])({numbers})(?![\w]|\.\d)")
    for name, lines in _code():
        at = [str(line) for line, words in enumerate(lines, 1) if cites.search(words)]
        if at:
            yield f"{WHERE}/{name}, line{'s' if len(at) > 1 else ''} {', '.join(at)}"


@cache
def _code() -> tuple[tuple[str, list[str]], ...]:
    """Name and lines of each kernel rule file."""
    found = (file for file in files(PACKAGE).iterdir() if file.name.endswith(".py"))
    read = ((file.name, file.read_text(encoding="utf-8").splitlines()) for file in found)
    return tuple(sorted(read))


def _citing_pages(found: tuple[Rule, ...]) -> Iterator[str]:
    """The properties and knobs whose pages cite a rule."""
    numbers = {item.number for item in found}
    for item in PROPERTIES:
        if numbers & set(re.findall(r"(?<![\w.])R?\d+(?:\.\d+)*", item.page)):
            yield f"property {item.name} (dirql explain {item.name})"
    for knob in KNOBS:
        if knob.rule in numbers:
            yield f"knob {knob.name} (dirql explain {knob.name})"
