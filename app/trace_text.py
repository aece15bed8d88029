"""A trace as text: time runs down, with a narrow lane for each processor and one for the hardware.

Only the trace is read, so that a stored one prints the same as a fresh one. The lane of the
processor that moves shows its IRQL; a bar in another lane says that something at DISPATCH_LEVEL or
above stands there, interrupted or spinning. Beside the lanes: who moves, the driver's line, what
happened, what changed. Where there is no room for lanes, one column names processor and level.
"""

import re
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from dirql.explorer.trace import Step, Trace
from dirql.model.domain import Value
from dirql.model.machine import Source
from dirql.model.visible import one_line

from .printing import paint
from .trace_end import line_text, sentence
from .trace_lanes import DISPATCH_LEVEL, HARDWARE, Course, Position, follow, lanes
from .trace_words import (
    Happening,
    is_bookkeeping,
    level_text,
    phrases,
    readable,
    routine_of,
    short,
    value_text,
)

NARROWEST_TEXT = 40
"""The room beside the lanes, in characters, below which they become one column."""

BREAKABLE = re.compile(r"\s+|\(?[^\s(,]+[(,]*|[(,]+")
"""Pieces a line may be broken between: source lines have few spaces, so also after `(` and `,`."""

CODE_INDENT = "    "
"""How source text goes on in the next line."""

UNREMARKABLE: tuple[Value, ...] = (False, 0, "NULL", "none", "unused", "idle")
"""First values that a reader expects of anything not mentioned."""

ONWARD = "no way back from here; the way into it:"
"""What stands before the steps that follow a violation."""

GAP = "   "
"""What stands between the driver's line and what happened."""

ELIDED = "(...)"
"""The arguments of a call whose line was shown before."""

IRQL_FALLS = "IRQL falls"
"""The step before a line, with its source, in which a thread leaves DISPATCH_LEVEL."""


@dataclass(frozen=True, slots=True)
class Style:
    """How to draw: width in characters, whether there is more than ASCII, whether in colour."""

    width: int = 120
    ascii_only: bool = False
    colour: bool = False

    @property
    def arrow(self) -> str:
        """What stands between an old and a new value."""
        return "->" if self.ascii_only else "→"

    @property
    def bar(self) -> str:
        """What says that a processor is occupied."""
        return "|" if self.ascii_only else "│"

    def fit(self, text: str) -> str:
        """`text` on one line, in characters that can be printed and seen."""
        seen = one_line(text)
        return seen.encode("ascii", "backslashreplace").decode() if self.ascii_only else seen

    def paint(self, text: str, colour: str) -> str:
        """`text` in `colour`, if there are colours; blanks have none."""
        return paint(text, colour) if self.colour and text.strip() else text


def render(trace: Trace, style: Style | None = None) -> str:
    """The whole trace, and what went wrong at its end, as lines."""
    drawn = style or Style()
    end = _prose(drawn.fit(sentence(trace, follow(trace))), drawn.width)
    whole = replace(trace, steps=(*trace.steps, *trace.onward))
    lines = [
        *_start(whole, drawn),
        *(_table(whole, len(trace.steps), drawn) if whole.steps else ()),
        "",
        *(drawn.paint(line, "red") for line in end),
    ]
    return "\n".join(line.rstrip() for line in lines)


def prose(text: str, style: Style) -> list[str]:
    """A paragraph in lines that fit."""
    return _prose(style.fit(text), style.width)


def _prose(text: str, width: int, indent: str = "") -> list[str]:
    """`text` in lines of at most `width` characters, broken at spaces."""
    hanging = f"{indent}  "
    return textwrap.wrap(
        text, width, initial_indent=indent, subsequent_indent=hanging, break_on_hyphens=False
    )


def _code(text: str, width: int) -> list[str]:
    """A source line in lines of at most `width` characters, broken where a reader would."""
    lines: list[str] = []
    current = ""
    for piece in BREAKABLE.findall(text):
        rest = piece
        while len(current) + len(rest.rstrip()) > width:
            room = width - len(current)
            if not current.strip():
                current, rest = current + rest[:room], rest[room:]
            lines.append(current.rstrip())
            current, rest = CODE_INDENT, rest.lstrip()
        current += rest
    return [*lines, current.rstrip()]


def _start(trace: Trace, style: Style) -> Iterator[str]:
    """The first values that are worth a word; locals have none before their routine begins."""
    contexts = (name.removeprefix("at ") for name, _ in trace.initial if name.startswith("at "))
    owners = tuple(f"{context}." for context in contexts)
    shown = [
        f"{readable(name)} = {value_text(value)}"
        for name, value in trace.initial
        if not is_bookkeeping(name) and value not in UNREMARKABLE and not name.startswith(owners)
    ]
    if shown:
        yield from _prose(style.fit("at the start: " + ", ".join(shown)), style.width)
        if trace.steps:
            yield ""


def _table(trace: Trace, lost: int, style: Style) -> Iterator[str]:
    """The lines of all steps, under a line that names the lanes.

    After `lost` steps there is no way back, if more follow; they are the way into a standstill.
    """
    course = follow(trace)
    grid = _Grid.of(course, style)
    if grid.split:
        yield grid.row("", {place: (place, "bright_black") for place in grid.lanes}, "")
    rows = _Rows(trace, style, grid.text_width)
    for number, (step, position) in enumerate(zip(trace.steps, course.positions, strict=True), 1):
        if number == lost + 1:
            yield grid.row("", {}, style.paint(ONWARD, "red"))
        breaks = trace.violation.at_step and number == len(trace.steps)
        standing = dict.fromkeys(position.occupied, (style.bar, "bright_black"))
        for index, line in enumerate(rows.of(step, position)):
            text = style.paint(line, "red") if breaks else line
            if index == 0:
                cells = standing | {position.place: _level(position, style)}
                yield grid.row(str(number), cells, text)
            else:
                yield grid.row("", standing if grid.split else {}, text)


def _level(position: Position, style: Style) -> tuple[str, str]:
    """What the lane of the mover shows, and its colour: `PASSIVE`, `0→DIRQL 7`, `event`."""
    if position.place == HARDWARE:
        return "event", "cyan"
    after = "DIRQL" if position.after is None else level_text(position.after)
    before = "" if position.before is None else str(position.before)
    changed = position.before != position.after
    high = DISPATCH_LEVEL + 1 if position.after is None else position.after
    colour = "green" if high < DISPATCH_LEVEL else "yellow"
    return (
        f"{before}{style.arrow}{after}" if changed else after,
        "magenta" if high > DISPATCH_LEVEL else colour,
    )


@dataclass(frozen=True, slots=True)
class _Grid:
    """The columns: step numbers, lanes, text. Not `split`, one column serves all places."""

    lanes: dict[str, int]
    split: bool
    numbers: int
    style: Style

    @classmethod
    def of(cls, course: Course, style: Style) -> "_Grid":
        """The columns that the levels of `course` need."""
        numbers = max(2, len(str(len(course.positions))))
        widths = {place: len(place) for place in lanes(course)}
        for position in course.positions:
            needed = len(_level(position, style)[0])
            widths[position.place] = max(widths[position.place], needed)
        grid = cls(widths, split=True, numbers=numbers, style=style)
        if grid.text_width >= NARROWEST_TEXT:
            return grid
        one = max(_width_alone(position, style) for position in course.positions)
        return cls({"": one}, split=False, numbers=numbers, style=style)

    @property
    def text_width(self) -> int:
        """The room beside the lanes, in characters."""
        return self.style.width - self.numbers - 2 - sum(width + 2 for width in self.lanes.values())

    def row(self, number: str, cells: Mapping[str, tuple[str, str]], text: str) -> str:
        """One line; `cells` gives (text, colour) by place."""
        shown = f"{number:>{self.numbers}}  "
        if not self.split:
            place, (level, colour) = next(
                ((place, cell) for place, cell in cells.items() if cell[0] != self.style.bar),
                ("", ("", "")),
            )
            alone = HARDWARE if place == HARDWARE else f"{place} {level}".strip()
            cells = {"": (alone, colour)}
        for place, width in self.lanes.items():
            cell, colour = cells.get(place, ("", ""))
            shown += self.style.paint(cell.ljust(width), colour) + "  "
        return shown + text


def _width_alone(position: Position, style: Style) -> int:
    """The room that place and level need in a column for all places."""
    if position.place == HARDWARE:
        return len(HARDWARE)
    return len(position.place) + 1 + len(_level(position, style)[0])


class _Rows:
    """Tells the steps of a trace one by one, without saying twice what stands just above."""

    def __init__(self, trace: Trace, style: Style, width: int) -> None:
        self._style = style
        self._width = width
        self._initial = dict(trace.initial)
        self._values = dict(trace.initial)
        self._left = len(trace.steps)
        self._breaks = trace.violation.property if trace.violation.at_step else ""
        self._movers: dict[str, str] = {}
        self._lines: dict[str, Source] = {}
        self._shown: set[tuple[str, Source]] = set()
        self._above = ("", Source())

    def of(self, step: Step, position: Position) -> list[str]:
        """The lines of the next step."""
        self._left -= 1
        source = Source() if step.name == IRQL_FALLS else step.source
        goes_on = source.line > 0 and self._above == (step.context, source)
        head = "" if goes_on else self._line(step, source)
        said = phrases(
            self._happening(step, position),
            line_is_near=goes_on or f"{routine_of(step.name)}(" in head,
            line_is_new=not goes_on,
        )
        if not head and not said:
            said = [readable(step.name)]
        if step.rule and said:
            said[0] += f" [{step.rule}]"
        who = self._who(step, position, source, said)
        if head:
            head = who + head
        else:
            said[0] = who + said[0]
        self._remember(step, position, source)
        return self._laid_out(head, said, "  " if head or goes_on else "")

    def _line(self, step: Step, source: Source) -> str:
        """The driver's line: `NICIsr:50  self.nic.masked = 1`.

        Its text is shown when the context comes to it. When the context comes back to a call it is
        in the middle of, the name of the call will do.
        """
        if not source.line:
            return ""
        place = line_text(step) + _macro(source)
        if step.name == source.routine:
            return place
        called = routine_of(step.name)
        in_call = called != step.name and f"{called}(" in source.text
        if in_call and (step.context, source) in self._shown:
            return f"{place}  {called}{ELIDED}"
        return (
            place if self._lines.get(step.context) == source else f"{place}  {source.text.strip()}"
        )

    def _happening(self, step: Step, position: Position) -> Happening:
        before, after = position.before, position.after
        rises = before is not None and after is not None and after > before
        return Happening(
            step,
            dict(self._values),
            self._initial,
            level=level_text(after) if rises and after is not None else "",
            breaks="" if self._left else self._breaks,
            arrow=self._style.arrow,
        )

    def _who(self, step: Step, position: Position, source: Source, said: list[str]) -> str:
        """`DPC: `, where another context moved last in this lane and nothing else names it."""
        name = short(step.context)
        known = self._movers.get(position.place) == step.context or position.place == HARDWARE
        if known or source.routine == name or (said and said[0].startswith(name)):
            return ""
        return f"{name}: "

    def _remember(self, step: Step, position: Position, source: Source) -> None:
        self._values |= {name: after for name, _, after in step.changes}
        self._movers[position.place] = step.context
        if step.irql < DISPATCH_LEVEL and short(step.context) != step.context:
            self._shown = {item for item in self._shown if item[0] != step.context}
        self._above = (step.context, source)
        if source.line:
            self._lines[step.context] = source
            self._shown.add((step.context, source))

    def _laid_out(self, head: str, said: list[str], indent: str) -> list[str]:
        """The line with what happened beside it, if there is room, else below it."""
        lines = self._head(self._style.fit(head)) if head else []
        rest = [self._style.fit(text) for text in said]
        together = "; ".join(rest)
        if lines and rest and len(lines[-1]) + len(GAP) + len(together) <= self._width:
            return [*lines[:-1], lines[-1] + GAP + together]
        return [*lines, *self._filled(rest, indent)]

    def _head(self, head: str) -> list[str]:
        """Who and where, and the text of the line; the text stays whole where it can."""
        lines = _code(head, self._width)
        place, _, text = head.partition("  ")
        whole = [place, CODE_INDENT + text]
        return whole if len(lines) > 1 and max(map(len, whole)) <= self._width else lines

    def _filled(self, said: list[str], indent: str) -> list[str]:
        """Phrases side by side as far as there is room."""
        lines: list[str] = []
        current = ""
        for text in said:
            together = f"{current}; {text}" if current else text
            if current and len(indent) + len(together) > self._width:
                lines += _prose(f"{current};", self._width, indent)
                together = text
            current = together
        return [*lines, *_prose(current, self._width, indent)]


def _macro(source: Source) -> str:
    """The macro a step comes from."""
    return f" ({source.macro})" if source.macro else ""
