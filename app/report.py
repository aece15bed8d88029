"""Answers as text for people."""

import os
import shutil
import sys
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, assert_never

from dirql.explorer.trace import Trace
from dirql.explorer.verdict import Holds, Unknown, Violated
from dirql.model import scenario as expectations
from dirql.model.scenario import Expectation
from dirql.model.visible import one_line

from .printing import paint
from .trace_text import Style, prose, render

if TYPE_CHECKING:
    from .answers import Answer
    from .coverage import Unvisited

MOST_LINES = 12
"""Lines that never ran, as many as are listed one by one."""

WAY_ON = (
    "To get an answer: look at less (fewer threads, processors or events of the device; smaller "
    "Int, Array and Queue; no field that nothing depends on; Line without shared=True), or give "
    "it more (--memory, --timeout, --max-states; --spill DIR for what memory cannot hold)."
)
"""What to do about a check that a limit ended."""


@dataclass(frozen=True, slots=True)
class Phrase:
    """A few words and the colour they have on a terminal."""

    text: str
    colour: str

    def shown(self) -> str:
        """The words with their colour; whoever prints drops it where there are no colours."""
        return paint(self.text, self.colour, bold=True)


def terminal_style() -> Style:
    """The style that fits standard output: its width, ASCII where its encoding has no more."""
    width = max(40, min(160, shutil.get_terminal_size((120, 40)).columns))
    encoding = (sys.stdout.encoding or "ascii").lower().replace("-", "")
    colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    return Style(width, ascii_only=not encoding.startswith("utf"), colour=colour)


def full(answer: "Answer", style: Style, before: "Sequence[Answer]" = ()) -> str:
    """The whole answer: verdict, trace, scope, what was covered.

    A trace that one of the answers `before` has shown already is not shown again.
    """
    return "\n".join(_full(answer, style, before))


def compared(answer: "Answer") -> str:
    """One line: whether the answer is the one the pattern's author expects."""
    word = Phrase("agrees   ", "green") if answer.agrees else Phrase("DISAGREES", "red")
    found = _found(answer)
    text = f"{word.shown()}  {_title(answer)}  {found}"
    if answer.agrees:
        return text
    if answer.expected is None:
        return f"{text}; the pattern states no expectation for this"
    return f"{text}; expected {_expected(answer.expected)}"


def _full(answer: "Answer", style: Style, before: "Sequence[Answer]") -> Iterator[str]:
    verdict = answer.result.verdict
    match verdict:
        case Holds():
            yield f"{_title(answer)}  {_holding(answer).shown()}"
            yield f"  {_covered(answer)}"
            yield from _scope(answer, style)
            yield from _unasked(answer, style)
            yield from (f"  {line}" for line in _never_ran(answer.unvisited))
        case Violated(name, trace):
            steps = count(len(trace.steps), "step")
            word = Phrase(f"violated: {name}, after {steps}", "red")
            yield f"{_title(answer)}  {word.shown()}"
            twin = _shown_before(answer, trace, style, before)
            if twin is None:
                yield from _trace(trace, style)
                yield from prose(answer.standstill, style)
            else:
                yield f"  step by step the same as on {count(twin, 'processor')}, above"
            yield from _needs(answer)
            yield from _unasked(answer, style)
            yield from _also(answer, style)
            if twin is None:
                yield f"More: dirql explain {name}"
                yield ""
            yield f"  {_covered(answer)}"
        case Unknown(reason, possible):
            yield f"{_title(answer)}  {Phrase('unknown', 'yellow').shown()}: {reason}"
            if possible is not None:
                yield from _trace(possible, style)
                yield from prose(answer.standstill, style)
                yield ""
            elif answer.result.limited:
                yield from prose(WAY_ON, style)
            yield f"  {_covered(answer)}"
            yield from _scope(answer, style)
            yield from _unasked(answer, style)
        case _:
            assert_never(verdict)


def _holding(answer: "Answer") -> Phrase:
    """That it holds, and where behaviours ended before anybody could tell."""
    if answer.cut:
        return Phrase(f"holds up to a crash: behaviours end at {', '.join(answer.cut)}", "yellow")
    return Phrase("holds", "green")


def _unasked(answer: "Answer", style: Style) -> Iterator[str]:
    """What a limit kept from being said beside the verdict."""
    if answer.unasked:
        yield from prose(f"{answer.unasked[0].upper()}{answer.unasked[1:]}.", style)


def _needs(answer: "Answer") -> Iterator[str]:
    """The knob settings that the violation needs; other properties may be broken without them."""
    without = "this does not happen" if answer.result.others else "the check holds"
    for knob, value in answer.needed_knobs:
        yield f"Needs knob {knob}={value}: without it {without}."


def _also(answer: "Answer", style: Style) -> Iterator[str]:
    """What else is broken, and whether worse may have been missed."""
    from dirql.properties import grade_of

    found = answer.result
    listed = ", ".join(
        f"{item.property} ({grade_of(item.property).value}, "
        f"after {count(len(item.trace.steps), 'step')})"
        for item in found.others
    )
    if listed:
        yield from prose(f"Also broken: {listed}. Each is shown by --property NAME.", style)
    if found.unfinished:
        text = f"The search for graver violations is incomplete: {found.unfinished}."
        yield from prose(text, style)


def _shown_before(
    answer: "Answer", trace: Trace, style: Style, before: "Sequence[Answer]"
) -> int | None:
    """On how many processors the scenario has shown just this trace, or `None`."""
    text = render(trace, style)
    for item in before:
        question, verdict = item.question, item.result.verdict
        same = (question.pattern, question.scenario) == (
            answer.question.pattern,
            answer.question.scenario,
        )
        same = same and item.standstill == answer.standstill
        if same and isinstance(verdict, Violated) and render(verdict.trace, style) == text:
            return question.processors
    return None


def _title(answer: "Answer") -> str:
    question = answer.question
    if not question.scenario:
        return one_line(question.pattern)
    processors = count(question.processors, "processor")
    return f"{one_line(question.pattern)}  {one_line(question.scenario)}  {processors}"


def _trace(trace: Trace, style: Style) -> Iterator[str]:
    yield ""
    yield render(trace, style)


def _covered(answer: "Answer") -> str:
    """`874 states, 2,000 transitions, depth 31, 0.05 s, reference engine`."""
    found = answer.result.statistics
    return (
        f"{count(found.states, 'state')}, {count(found.transitions, 'transition')}, "
        f"depth {found.depth}{'' if found.complete else ', not complete'}, "
        f"{found.seconds:.2f} s, {answer.result.engine} engine"
        f"{', from the cache' if answer.result.cached else ''}"
    )


def _scope(answer: "Answer", style: Style) -> list[str]:
    """`scope: 2 processors; threads Start, Stop; ...`, as a paragraph."""
    if not answer.scope:
        return []
    text = "; ".join((count(answer.question.processors, "processor"), *answer.scope))
    return textwrap.wrap(
        f"scope: {text}",
        style.width,
        initial_indent="  ",
        subsequent_indent=" " * len("  scope: "),
        break_on_hyphens=False,
    )


def _never_ran(unvisited: "tuple[Unvisited, ...]") -> Iterator[str]:
    """The lines that no context at all ran; a line that one context ran is alive."""
    lines = dict.fromkeys(item.source for item in unvisited if item.by_all)
    for source in list(lines)[:MOST_LINES]:
        yield f"never ran: {source.routine}:{source.line}  {source.text.strip()}"
    if len(lines) > MOST_LINES:
        yield f"never ran: {len(lines) - MOST_LINES} more lines (all of them: --format json)"


def _found(answer: "Answer") -> str:
    states = count(answer.result.statistics.states, "state")
    verdict = answer.result.verdict
    match verdict:
        case Holds():
            return f"holds, {states}"
        case Violated(name, trace):
            return f"violated {name}, {count(len(trace.steps), 'step')}, {states}"
        case Unknown(reason, _):
            return f"unknown ({reason})"
        case _:
            assert_never(verdict)


def _expected(expectation: Expectation) -> str:
    match expectation:
        case expectations.Holds(states):
            return "holds" + (f", {count(states, 'state')}" if states else "")
        case expectations.Violated(name, steps, states):
            return (
                f"violated {name}"
                + (f", {count(steps, 'step')}" if steps else "")
                + (f", {count(states, 'state')}" if states else "")
            )
        case _:
            assert_never(expectation)


def count(number: int, noun: str) -> str:
    """`1 step`, `1,200 states`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
