"""`dirql rules` and `dirql explain`: the properties and knobs, and the page of one of them."""

import inspect
from collections.abc import Iterator
from difflib import get_close_matches

import click

from dirql.model.kernel import ROUTINES
from dirql.model.kernel.knobs import KNOBS, Knob
from dirql.model.kernel.rule import KernelRoutine
from dirql.properties import PROPERTIES, Grade, Kind, Property

from .rule_pages import LOOKS_LIKE_A_RULE, find, rule_page

KINDS = {
    Kind.RULE: "Rules: what one step must not do",
    Kind.INVARIANT: "Invariants: what must be true in every state",
    Kind.QUIESCENT: "Quiescent: what must be true when everything has come to rest",
    Kind.PROGRESS: "Progress: what must always be able to go on",
    Kind.RACE: "Races: what two contexts must not do at once",
}


def overview() -> str:
    """All properties by kind, and the knobs, one line each."""
    return "\n".join(_overview())


def _overview() -> Iterator[str]:
    width = max(len(item.name) for item in PROPERTIES) + 2
    for kind, title in KINDS.items():
        yield title
        for item in PROPERTIES:
            if item.kind is kind:
                yield f"  {item.name:<{width}}{item.grade.value:<10}{item.summary}"
        yield ""
    yield "Grades: what a free build of Windows does where a property is broken"
    for grade in Grade:
        yield f"  {grade.value:<10}{grade.meaning}"
    yield ""
    yield "Knobs: where Windows documentation is silent or disagrees (--knob NAME=VALUE)"
    for knob in KNOBS:
        yield f"  {knob.name:<{width}}{knob.summary}"
        yield f"  {'':<{width}}{_values(knob)}"
    yield ""
    yield "dirql explain NAME prints the page of a property or knob, of a kernel routine, or of a"
    yield "Windows rule: 6.1.1."


def page(name: str) -> str:
    """The page of the property or knob called `name`, or of the Windows rule numbered so.

    Raises:
        click.BadParameter: nothing has that name; the message has the nearest, and all.
    """
    for item in PROPERTIES:
        if item.name == name:
            return _property_page(item)
    for knob in KNOBS:
        if knob.name == name:
            return _knob_page(knob)
    for routine in ROUTINES:
        if routine.name == name:
            return _routine_page(routine)
    if LOOKS_LIKE_A_RULE.fullmatch(name):
        found = find(name)
        if found:
            return rule_page(name, found)
        raise click.BadParameter(
            f"there is no Windows rule {name}. Traces and property pages cite those there are; "
            "a section (dirql explain 6.1) lists its rules."
        )
    names = [item.name for item in PROPERTIES] + [item.name for item in KNOBS]
    names += [item.name for item in ROUTINES]
    raise click.BadParameter(
        f"there is no property, knob or kernel routine {name!r}.{_meant(name, names)} dirql rules "
        "lists the properties and knobs, docs/kernel-routines.md the routines."
    )


def unknown(noun: str, name: str, names: list[str]) -> str:
    """The complaint that nothing is called `name`, with what may have been meant."""
    return f"there is no {noun} {name!r}.{_meant(name, names)} There are: {', '.join(names)}"


def _meant(name: str, names: list[str]) -> str:
    near = get_close_matches(name, names, n=3)
    return f" Did you mean {' or '.join(near)}?" if near else ""


def _property_page(item: Property) -> str:
    title = f"{item.name} ({item.kind.value}, {item.grade.value})"
    grade = f"Grade:\n    {item.grade.value}: {item.grade.meaning}"
    return f"{title}\n{'=' * len(title)}\n\n{item.page}\n\n{grade}"


def _routine_page(routine: KernelRoutine) -> str:
    title = f"{routine.name} (kernel routine)"
    text = inspect.getdoc(routine.emit) or ""
    called = f"{routine.name}({', '.join(item.name for item in routine.parameters)})"
    more = f"Rule {routine.rule}: dirql explain {routine.rule}"
    return f"{title}\n{'=' * len(title)}\n\n{called}\n\n{text}\n\n{more}"


def _knob_page(knob: Knob) -> str:
    title = f"{knob.name} (knob)"
    return (
        f"{title}\n{'=' * len(title)}\n\n{knob.summary[0].upper()}{knob.summary[1:]}.\n\n"
        f"Values:\n    {_values(knob)}\n\n"
        f"References:\n    Windows rule {knob.rule} (dirql explain {knob.rule})"
    )


def _values(knob: Knob) -> str:
    """`yes (default), no, either (both are explored)`."""
    notes = {"either": " (both are explored)"}
    notes[knob.default] = notes.get(knob.default, "") + " (default)"
    return ", ".join(value + notes.get(value, "") for value in knob.values)
