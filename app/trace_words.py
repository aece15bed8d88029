"""The words of a trace: levels, names, values, and what a step did, in phrases.

Names of variables and steps are made for machines, and say more than a reader of one trace needs:
`owner of lock of Isr interrupt: none -> nic interrupt@P0` is *lock of Isr interrupt: taken*.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from dirql.explorer.trace import Step
from dirql.model.domain import Value

LEVELS = {0: "PASSIVE", 1: "APC", 2: "DISPATCH", 13: "CLOCK", 14: "IPI", 15: "HIGH"}

BOOKKEEPING = re.compile(r"at |processor of |.* never quiet on ")
"""Names of variables that say where a context is, which the lanes show, or help a rule."""

DRIVER_OBJECT = re.compile(r"\bdriver\.(?=\w)")
"""How fields of the driver's own object begin; to its author they have no owner."""

SLOT = re.compile(r"@(P\d+)\b")
"""How the name of a slot says its processor: `DPC@P0`."""

LOCAL = re.compile(r"\w+\.(?P<name>%?\w+)")
"""What follows the context in the name of a local; `%` begins those the author never wrote."""

TAKES_LOCK = re.compile(r"(?P<verb>takes|releases) the interrupt lock( at DIRQL \d+)?$")
DISPATCH_OF_LOCK = re.compile(r".* interrupt: lock (taken|released)$")


def level_text(irql: int) -> str:
    """A level as a trace shows it: `PASSIVE`, `DISPATCH`, `DIRQL 7`."""
    return LEVELS.get(irql, f"DIRQL {irql}")


def readable(text: str) -> str:
    """The name of a variable or step as the driver's author knows it."""
    return SLOT.sub(r" on \1", DRIVER_OBJECT.sub("", text))


def short(context: str) -> str:
    """The name of a context without the processor, which its lane shows."""
    return SLOT.sub("", context)


def routine_of(name: str) -> str:
    """The routine that a step is part of: the first word of its name."""
    return re.split(r"[ :]", name, maxsplit=1)[0]


def value_text(value: Value) -> str:
    """A value as a reader expects it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return readable(str(value))


def is_bookkeeping(name: str) -> bool:
    """Whether the variable says nothing about the driver or its devices."""
    return BOOKKEEPING.match(name) is not None


@dataclass(frozen=True, slots=True)
class Happening:
    """A step, and what is needed to say what happened in it.

    Attributes:
        step: the step.
        values: every variable before the step.
        initial: every variable in the first state.
        level: the level to which the step raises its context, empty if it does not.
        breaks: the property that the step violates, empty if none.
        arrow: what stands between an old and a new value.
    """

    step: Step
    values: Mapping[str, Value]
    initial: Mapping[str, Value]
    level: str
    breaks: str
    arrow: str


def phrases(happening: Happening, *, line_is_near: bool, line_is_new: bool) -> list[str]:
    """What happened, without saying anything that the source line beside it says.

    `line_is_near` tells that the line stands in this row or just above it, `line_is_new` that it
    stands in this row.
    """
    name = _without_property(happening)
    said = [text for text in (_name(happening, name, near=line_is_near, new=line_is_new),) if text]
    said += [text for text in _changes(happening, name) if text not in said]
    if happening.breaks:
        said.append(f"!! {happening.breaks}")
    return said


def _without_property(happening: Happening) -> str:
    """The step's name, but for the property that is named as broken anyway."""
    return happening.step.name.removesuffix(f" (breaks {happening.breaks})")


def _name(happening: Happening, name: str, *, near: bool, new: bool) -> str:
    """The name of the step as far as it says more than the source line and the changes."""
    step = happening.step
    verb, _, place = name.partition(" ")
    if verb == "reads":
        known = happening.values.get(place)
        return readable(name) + (f" (= {value_text(known)})" if known is not None else "")
    if verb == "writes":
        return _written(happening, place)
    if name in (step.source.routine, happening.breaks):
        return ""
    lock = _lock(step)
    if lock and DISPATCH_OF_LOCK.match(name):
        return ""
    called = f"the {lock}" if lock.startswith("lock of ") else lock
    named = TAKES_LOCK.sub(rf"\g<verb> {called}", name) if lock else name
    text = step.source.text
    routine = routine_of(named)
    if not near or f"{routine}(" not in text:
        return readable(named) + _raise(happening, named)
    if named != routine:
        return readable(named.removeprefix(routine).lstrip(" :"))
    if happening.level:
        return _raise(happening, named).strip()
    return "" if new else named


def _raise(happening: Happening, name: str) -> str:
    """` raises to DIRQL 7`, for the first of the steps of a call: its name is only the call's."""
    called = f"{name}(" in happening.step.source.text
    return f" raises to {happening.level}" if happening.level and called else ""


def _written(happening: Happening, place: str) -> str:
    """A write that changed nothing; one that did is among the changes."""
    changed = {name.partition("[")[0] for name, _, _ in happening.step.changes}
    if place in changed:
        return ""
    known = happening.values.get(place)
    if known is None or happening.breaks:
        return f"writes {readable(place)}"
    return f"{readable(place)} stays {value_text(known)}"


def _lock(step: Step) -> str:
    """The spin lock that the step takes or releases; empty if none."""
    owners = (name for name, _, _ in step.changes if name.startswith("owner of "))
    return next(owners, "").removeprefix("owner of ")


def _changes(happening: Happening, name: str) -> Iterator[str]:
    """The changes worth a word, one phrase each."""
    for variable, before, after in happening.step.changes:
        if not is_bookkeeping(variable):
            yield from _change(happening, name, (variable, before, after))


def _change(happening: Happening, name: str, change: tuple[str, Value, Value]) -> Iterator[str]:
    variable, before, after = change
    context = f"{happening.step.context}."
    local = LOCAL.fullmatch(variable.removeprefix(context))
    if variable.startswith("owner of "):
        lock = variable.removeprefix("owner of ")
        if not name.endswith((f"takes {lock}", f"releases {lock}")) and not TAKES_LOCK.search(name):
            yield f"{lock}: {'released' if after == 'none' else 'taken'}"
    elif variable.endswith(" queued on"):
        queued = variable.removesuffix(" queued on")
        if after != "none":
            yield f"{variable} {after}"
        elif name != f"{queued} starts":
            yield f"{queued} is dequeued"
    elif local and happening.step.processor and variable.startswith(context):
        # A dead local goes back to its first value, which is no event of the driver.
        if not local["name"].startswith("%") and after != happening.initial.get(variable):
            yield f"{local['name']} = {value_text(after)}"
    else:
        values = f"{value_text(before)} {happening.arrow} {value_text(after)}"
        yield f"{readable(variable).removesuffix(' is')}: {values}"
