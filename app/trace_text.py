"""A trace as text: time runs down, one column for each processor and one for the hardware.

Only the trace is read, so that a stored one prints the same as a fresh one. A step stands in the
column of the processor that took it: the context with its IRQL where either changes, the driver's
line, what happened, what changed. On a narrow terminal the columns become a list.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from dirql.explorer.trace import Step, Trace, Violation
from dirql.model.domain import Value
from dirql.model.machine import Source

HARDWARE = "hardware"
NARROWEST_COLUMN = 32
WIDEST_COLUMN = 60
HARDWARE_SHARE = 0.6
"""The width of the hardware column in parts of a processor's: devices say little."""

BREAKABLE = re.compile(r"\s+|\(?[^\s(,]+[(,]*|[(,]+")
"""Pieces a line may be broken between: source lines have few spaces, so also after `(` and `,`."""

BOOKKEEPING = re.compile(r"at |processor of |.* never quiet on ")
"""Names of variables that say where a context is, which the columns show, or help a rule."""

DRIVER_OBJECT = re.compile(r"\bdriver\.(?=\w)")
"""How fields of the driver's own object begin; to its author they have no owner."""

UNREMARKABLE: tuple[Value, ...] = (False, 0, "NULL", "none", "unused")
"""First values that a reader expects of anything not mentioned."""

HANGS = ("lock-cycle", "preemption-deadlock", "stuck-context")
"""Properties whose violation stops somebody for ever, without a bug check."""

LEVELS = {0: "PASSIVE", 1: "APC", 2: "DISPATCH", 13: "CLOCK", 14: "IPI", 15: "HIGH"}


@dataclass(frozen=True, slots=True)
class Style:
    """How to draw: the width in characters, and whether there is more than ASCII to draw with."""

    width: int = 120
    ascii_only: bool = False

    @property
    def arrow(self) -> str:
        """What stands between an old and a new value."""
        return "->" if self.ascii_only else "→"

    @property
    def bar(self) -> str:
        """What stands between columns."""
        return "|" if self.ascii_only else "│"

    @property
    def rule(self) -> str:
        """What a horizontal line is made of."""
        return "-" if self.ascii_only else "─"

    def fit(self, text: str) -> str:
        """`text` in characters that can be printed."""
        return text.encode("ascii", "backslashreplace").decode() if self.ascii_only else text


def render(trace: Trace, style: Style | None = None) -> str:
    """The whole trace, and what went wrong at its end, as lines without colour."""
    drawn = style or Style()
    widths = _column_widths(trace, drawn)
    steps: Iterator[str] = iter(())
    if trace.steps:
        steps = _as_table(trace, widths, drawn) if widths else _as_list(trace, drawn)
    lines = (*_start(trace, drawn), *steps, "", *_end(trace, drawn))
    return "\n".join(line.rstrip() for line in lines)


def level_text(irql: int) -> str:
    """A level as a trace shows it: `PASSIVE`, `DISPATCH`, `DIRQL 7`."""
    return LEVELS.get(irql, f"DIRQL {irql}")


def readable(text: str) -> str:
    """The name of a variable or step as the driver's author knows it."""
    return DRIVER_OBJECT.sub("", text)


def value_text(value: Value) -> str:
    """A value as a reader expects it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def is_bookkeeping(name: str) -> bool:
    """Whether the variable says nothing about the driver or its devices."""
    return BOOKKEEPING.match(name) is not None


def _number_width(trace: Trace) -> int:
    return max(2, len(str(len(trace.steps))))


def _column_widths(trace: Trace, style: Style) -> dict[str, int]:
    """The columns in order, with their widths in characters; empty where they would be too narrow.

    They are the processors that appear, and the hardware if it does.
    """
    places = {_place(step) for step in trace.steps}
    processors = sorted(places - {HARDWARE}, key=lambda label: (len(label), label))
    shares = dict.fromkeys(processors, 1.0)
    if HARDWARE in places:
        shares[HARDWARE] = HARDWARE_SHARE
    room = style.width - _number_width(trace) - 3 * len(shares)
    part = room / sum(shares.values()) if shares else 0.0
    if part < NARROWEST_COLUMN:
        return {}
    return {place: min(WIDEST_COLUMN, int(part * share)) for place, share in shares.items()}


def wrapped(text: str, width: int, hanging: int) -> list[str]:
    """`text` in lines of at most `width` characters, all but the first indented by `hanging` more.

    What is longer than a line is cut.
    """
    indent = len(text) - len(text.lstrip())
    lines: list[str] = []
    current = " " * indent
    for piece in BREAKABLE.findall(text.strip()):
        rest = piece
        while len(current) + len(rest.rstrip()) > width:
            room = width - len(current)
            if not current.strip():
                current, rest = current + rest[:room], rest[room:]
            lines.append(current.rstrip())
            current, rest = " " * (indent + hanging), rest.lstrip()
        current += rest
    return [*lines, current.rstrip()]


def _start(trace: Trace, style: Style) -> Iterator[str]:
    """The first values that are worth a word."""
    shown = [
        f"{readable(name)} = {value_text(value)}"
        for name, value in trace.initial
        if not is_bookkeeping(name) and value not in UNREMARKABLE
    ]
    if shown:
        text = style.fit("at the start: " + ", ".join(shown))
        yield from wrapped(text, style.width, 2)
        if trace.steps:
            yield ""


def _as_table(trace: Trace, widths: Mapping[str, int], style: Style) -> Iterator[str]:
    numbers = _number_width(trace)
    separator = f" {style.bar} "

    def row(number: str, cells: Mapping[str, str]) -> str:
        padded = (cells.get(place, "").ljust(width) for place, width in widths.items())
        return f"{number:>{numbers}}{separator}" + separator.join(padded)

    yield row("", {place: place for place in widths})
    yield row(style.rule * numbers, {place: style.rule * width for place, width in widths.items()})
    told = _told(trace, widths, style)
    for number, (step, lines) in enumerate(zip(trace.steps, told, strict=True), start=1):
        for position, text in enumerate(lines):
            yield row(str(number) if position == 0 else "", {_place(step): text})


def _as_list(trace: Trace, style: Style) -> Iterator[str]:
    numbers = _number_width(trace)
    told = _told(trace, {"": style.width - numbers - 2}, style)
    for number, lines in enumerate(told, start=1):
        for position, text in enumerate(lines):
            yield f"{number if position == 0 else '':>{numbers}}  {text}"


def _told(trace: Trace, widths: Mapping[str, int], style: Style) -> Iterator[list[str]]:
    """The lines of each step. What stands in the same column just above is not repeated.

    A list is a single column called `""`, in which the place is part of what is said.
    """
    is_list = "" in widths
    heads: dict[str, str] = {}
    sources: dict[str, tuple[str, Source]] = {}
    for step, level_after in zip(trace.steps, _levels_after(trace), strict=True):
        column = "" if is_list else _place(step)
        width = widths[column]
        lines: list[str] = []
        if heads.get(column) != _head(step, step.irql, style) or level_after > step.irql:
            heads[column] = _head(step, level_after, style)
            shown_head = _rising(step, level_after, style, with_place=is_list)
            lines += wrapped(shown_head, width, 2) if shown_head != column else []
        shown = step.source.line > 0 and sources.get(column) != (step.context, step.source)
        if shown and step.name != step.source.routine:
            lines += wrapped(_line(step.source, style), width, 4)
        sources[column] = (step.context, step.source)
        lines += _happened(step, width, style, below_source=shown)
        yield lines


def _place(step: Step) -> str:
    """The column of a step. A thread that stops floating is shown where it lands."""
    for name, before, after in step.changes:
        if name == f"processor of {step.context}" and before == "none":
            return str(after)
    return step.processor or HARDWARE


def _levels_after(trace: Trace) -> list[int]:
    """The level each step's context has after it, where it rises; else the one it had before.

    A fall shows in the head of the next step; that of an idle slot would mislead.
    """
    levels: list[int] = []
    following: dict[str, int] = {}
    for step in reversed(trace.steps):
        levels.append(max(step.irql, following.get(step.context, 0)))
        following[step.context] = step.irql
    return levels[::-1]


def _head(step: Step, irql: int, style: Style) -> str:
    """Who moves, where, and at which level: `P0 [DISPATCH] StopDevice`."""
    if not step.processor:
        return style.fit(step.context)
    return style.fit(f"{_place(step)} [{level_text(irql)}] {step.context}")


def _rising(step: Step, after: int, style: Style, *, with_place: bool) -> str:
    """The head as it is shown; where the level rises, both: `[PASSIVE -> DIRQL 7] Isr`."""
    head = _head(step, step.irql, style)
    before = f"[{level_text(step.irql)}]"
    if step.processor and after > step.irql:
        change = f"[{level_text(step.irql)} {style.arrow} {level_text(after)}]"
        head = head.replace(before, change, 1)
    return head if with_place else head.removeprefix(f"{_place(step)} ")


def _line(source: Source, style: Style) -> str:
    """The driver's line: `StartDevice:41  self.nic.masked = 0`."""
    macro = f" ({source.macro})" if source.macro else ""
    return style.fit(f"{source.routine}:{source.line}{macro}  {source.text.strip()}")


def _happened(step: Step, width: int, style: Style, *, below_source: bool) -> Iterator[str]:
    """What the step is called and what it changed, without saying anything twice.

    There is always at least one line, so that a step has a place for its number.
    """
    changes = [
        (readable(name), f"{value_text(before)} {style.arrow} {value_text(after)}")
        for name, before, after in step.changes
        if not is_bookkeeping(name)
    ]
    text = step.source.text.strip()
    name = readable(step.name)
    said_above = below_source and (step.name == text or f"{step.name}(" in text)
    said_below = name in [f"writes {changed}" for changed, _ in changes]
    if not (said_above or said_below):
        yield from wrapped(style.fit(f"  {name}"), width, 2)
    for changed, values in changes:
        yield from wrapped(style.fit(f"    {changed}: {values}"), width, 2)


def _end(trace: Trace, style: Style) -> Iterator[str]:
    """What went wrong, where, and what Windows does about it."""
    violation = trace.violation
    text = f"{violation.property}: {_sentence(readable(violation.detail))} {_where(trace)}"
    yield from wrapped(style.fit(text), style.width, 2)
    yield from wrapped(style.fit(f"On Windows: {consequence(violation)}."), style.width, 2)


def _sentence(detail: str) -> str:
    """`detail` with a full stop."""
    stripped = detail.strip()
    return stripped if stripped.endswith(".") or not stripped else stripped + "."


def _where(trace: Trace) -> str:
    """`(step 6, StopDevice:41, P0 at DISPATCH)`, or the state in which it is wrong."""
    contexts = trace.violation.contexts
    mover = (trace.steps[-1].context,) if trace.steps and trace.violation.at_step else ()
    involved = " and ".join(contexts) if contexts != mover else ""
    concerns = f"; concerns {involved}" if involved else ""
    if not trace.steps:
        return f"(in the first state{concerns})"
    step = trace.steps[-1]
    if not trace.violation.at_step:
        return f"(in the state after step {len(trace.steps)}{concerns})"
    line = f", {step.source.routine}:{step.source.line}" if step.source.line else ""
    place = f", {_place(step)} at {level_text(step.irql)}" if step.processor else ""
    return f"(step {len(trace.steps)}{line}{place}{concerns})"


def consequence(violation: Violation) -> str:
    """What the driver's user sees: a bug check, a hang, or nothing at first."""
    if violation.bug_check and violation.bug_check != "hang":
        return f"bug check {violation.bug_check}"
    if violation.bug_check or violation.property in HANGS:
        return "hang"
    return "no bug check; the damage shows later, or elsewhere"
