"""A trace as text: time runs down, one column for each processor and one for the hardware.

Only the trace is read, so that a stored one prints the same as a fresh one. A step stands in the
column of the processor that took it: the context with its IRQL where either changes, the driver's
line, what happened, what changed. On a narrow terminal the columns become a list.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from dirql.explorer.trace import Step, Trace, Violation
from dirql.model.domain import Value
from dirql.model.machine import Source

HARDWARE = "hardware"
NARROWEST_COLUMN = 32
WIDEST_COLUMN = 60
HARDWARE_SHARE = 0.6
"""The width of the hardware column in parts of a processor's: devices say little."""

BREAKABLE = re.compile(r"\s+|[^\s(,]+[(,]*|[(,]+")
"""Pieces a line may be broken between: source lines have few spaces, so also after `(` and `,`."""

BOOKKEEPING = ("at ", "processor of ")
"""Beginnings of the names of variables that say where a context is: the columns show that."""

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


def variable_text(name: str) -> str:
    """The name of a variable as the driver's author knows it."""
    return name.removeprefix("driver.")


def value_text(value: Value) -> str:
    """A value as a reader expects it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def is_bookkeeping(name: str) -> bool:
    """Whether the variable only says where a context is."""
    return name.startswith(BOOKKEEPING)


def _number_width(trace: Trace) -> int:
    return max(2, len(str(len(trace.steps))))


def _column_widths(trace: Trace, style: Style) -> dict[str, int]:
    """The columns in order, with their widths in characters; empty where they would be too narrow.

    They are the processors that appear, and the hardware if it does.
    """
    places = {step.processor or HARDWARE for step in trace.steps}
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
    """`text` in lines of at most `width` characters, `hanging` more spaces before all but the first.

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
        f"{variable_text(name)} = {value_text(value)}"
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
            yield row(str(number) if position == 0 else "", {step.processor or HARDWARE: text})


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
    sources: dict[str, Source] = {}
    for step in trace.steps:
        column = "" if is_list else step.processor or HARDWARE
        width = widths[column]
        head = _head(step, style, with_place=is_list)
        lines: list[str] = []
        if heads.get(column) != head:
            heads[column] = head
            sources.pop(column, None)
            lines += wrapped(head, width, 2)
        shown = step.source.line > 0 and sources.get(column) != step.source
        if shown:
            lines += wrapped(_line(step.source, style), width, 4)
        sources[column] = step.source
        lines += _happened(step, width, style, below_source=shown)
        yield lines


def _head(step: Step, style: Style, *, with_place: bool) -> str:
    """Who moves, and at which level: `[DISPATCH] StopDevice`."""
    place = f"{step.processor} " if with_place and step.processor else ""
    level = f"[{level_text(step.irql)}] " if step.processor else ""
    return style.fit(f"{place}{level}{step.context}")


def _line(source: Source, style: Style) -> str:
    """The driver's line: `StartDevice:41  self.nic.masked = 0`."""
    macro = f" ({source.macro})" if source.macro else ""
    return style.fit(f"{source.routine}:{source.line}{macro}  {source.text.strip()}")


def _happened(step: Step, width: int, style: Style, *, below_source: bool) -> Iterator[str]:
    """What the step is called, unless the driver's line says just that, and what it changed.

    There is always at least one line, so that a step has a place for its number.
    """
    text = step.source.text.strip()
    said = below_source and (step.name == text or f"{step.name}(" in text)
    if not said:
        yield from wrapped(style.fit(f"  {step.name}"), width, 2)
    for name, before, after in step.changes:
        if not is_bookkeeping(name):
            change = f"{value_text(before)} {style.arrow} {value_text(after)}"
            yield from wrapped(style.fit(f"    {variable_text(name)}: {change}"), width, 2)


def _end(trace: Trace, style: Style) -> Iterator[str]:
    """What went wrong, where, and what Windows does about it."""
    violation = trace.violation
    text = f"{violation.property}: {_sentence(violation.detail)} {_where(trace)}"
    yield from wrapped(style.fit(text), style.width, 2)
    yield from wrapped(style.fit(f"On Windows: {consequence(violation)}."), style.width, 2)


def _sentence(detail: str) -> str:
    """`detail` with a full stop."""
    stripped = detail.strip()
    return stripped if stripped.endswith(".") or not stripped else stripped + "."


def _where(trace: Trace) -> str:
    """`(step 6, StopDevice:41, P0 at DISPATCH)`, or the state in which it is wrong."""
    involved = " and ".join(trace.violation.contexts)
    concerns = f"; concerns {involved}" if involved else ""
    if not trace.steps:
        return f"(in the first state{concerns})"
    step = trace.steps[-1]
    if not trace.violation.at_step:
        return f"(in the state after step {len(trace.steps)}{concerns})"
    line = f", {step.source.routine}:{step.source.line}" if step.source.line else ""
    place = f", {step.processor} at {level_text(step.irql)}" if step.processor else ""
    return f"(step {len(trace.steps)}{line}{place}{concerns})"


def consequence(violation: Violation) -> str:
    """What the driver's user sees: a bug check, a hang, or nothing at first."""
    if violation.bug_check and violation.bug_check != "hang":
        return f"bug check {violation.bug_check}"
    if violation.bug_check or violation.property in HANGS:
        return "hang"
    return "no bug check; the damage shows later, or elsewhere"
