"""What a "holds" rests on: answers to questions on which Windows documentation is silent.

A knob at one answer hides what the others allow. So a check that holds is made again with each
other answer that allows more, as long as that is not much more work than the check itself.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from dirql.explorer.engine import BeyondEngineError, Limits
from dirql.explorer.patience import left, look
from dirql.explorer.verdict import Holds, Result, Violated
from dirql.model.kernel.dispatch import calls_for_nothing
from dirql.model.kernel.knobs import KNOBS, Knobs, other_answers
from dirql.model.machine import Machine
from dirql.model.system import Notes

from . import toolbox
from .questions import Question
from .toolbox import EngineChoice

STATES = 5_000
"""States that looking at another answer may always cost, besides twice those of the check."""

SECONDS = 15.0
"""Time that looking at all other answers may always cost; else as much as the check itself."""


UNCOMPARED = "not compared"
"""What is said of an answer that is too much work."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """A machine, the knobs it was made with, and how it is made with others."""

    machine: Machine
    knobs: Knobs
    compiled: Callable[[Knobs], Machine]


@dataclass(frozen=True, slots=True)
class Default:
    """Another answer to the question of a knob, and what becomes of the verdict.

    Attributes:
        knob: the name of the knob.
        value: the answer in force, under which the check holds.
        other: the other answer.
        verdict: `holds`, `violated`, or `UNCOMPARED`.
        property: what is violated.
        quieter: whether the other answer also takes away the calls for nothing.
    """

    knob: str
    value: str
    other: str
    verdict: str
    property: str = ""
    quieter: bool = False


def defaults(
    compared: Comparison, notes: Notes, question: Question, result: Result
) -> tuple[tuple[Default, ...], bool]:
    """What becomes of a check that holds with other answers, and whether time was enough for all.

    `result` is that of the check, `notes` those of its machine. What changes nothing of the machine
    is left out.
    """
    seconds = max(SECONDS, result.statistics.seconds)
    limits = replace(
        question.options.limits,
        states=2 * result.statistics.states + STATES,
        seconds=min(seconds, left()),
        since=time.monotonic(),
    )
    found: list[Default] = []
    settled = True
    for knob, value, other in _others(notes, compared.knobs):
        changed = _other_machine(compared, compared.knobs.with_value(knob, other))
        if changed == compared.machine:
            continue
        verdict, name = _compared(changed, question, limits)
        settled = settled and (verdict != UNCOMPARED or not _late(limits))
        quieter = verdict == "holds" and _quieter(compared.machine, changed)
        found.append(Default(knob, value, other, verdict, name, quieter))
    return tuple(found), settled


def _quieter(machine: Machine, changed: Machine | None) -> bool:
    """Whether service routines are called for nothing in the one and not in the other."""
    return changed is not None and calls_for_nothing(machine) and not calls_for_nothing(changed)


def _other_machine(compared: Comparison, knobs: Knobs) -> Machine | None:
    """The machine with other knobs; nothing if the pattern has no meaning with them."""
    look()
    try:
        return compared.compiled(knobs)
    except toolbox.InputError:
        return None


def _compared(machine: Machine | None, question: Question, limits: Limits) -> tuple[str, str]:
    """The verdict on another machine, and the property that is violated."""
    if machine is None or _late(limits):
        return UNCOMPARED, ""
    try:
        result = toolbox.engine(_quick(question.options.engine)).check(machine, limits, None)
    except BeyondEngineError:
        return UNCOMPARED, ""
    match result.verdict:
        case Holds():
            return "holds", ""
        case Violated(name, _):
            return "violated", name
        case _:
            return UNCOMPARED, ""


def _quick(choice: EngineChoice) -> EngineChoice:
    """The engine for a second look: native code is worth its compilation only where it is large."""
    return replace(choice, name="auto" if choice.name == "native" else choice.name, workspace=None)


def _late(limits: Limits) -> bool:
    """Whether the time for all of it is over."""
    return time.monotonic() - (limits.since or 0) >= (limits.seconds or 0)


def _others(notes: Notes, knobs: Knobs) -> Iterator[tuple[str, str, str]]:
    """(knob, answer in force, other answer) for the knobs that the machine depends on."""
    for knob in KNOBS:
        if knob.name in notes.knobs:
            for other in other_answers(knob, knobs[knob.name]):
                yield knob.name, knobs[knob.name], other
