"""The knob settings that a violation needs: without one of them the check holds."""

from dataclasses import replace

from dirql.explorer.engine import Limits
from dirql.explorer.patience import left, look
from dirql.explorer.verdict import Holds, Result, Violated
from dirql.model.kernel.knobs import KNOBS, Knob

from . import toolbox
from .defaults import Comparison
from .questions import Question

EITHER = "either"
MAY_FAIL = ("connect_may_fail", "yes")
"""A default that explores both ways although it is not called so."""

LEAST_SECONDS = 1.0
"""Time that looking at another knob value may always cost; else as much as the check itself."""

STATES_PER_ALTERNATIVE = 10_000
"""States that looking at another knob value may always cost, whatever the check itself cost."""


def needed_knobs(
    compared: Comparison, question: Question, result: Result
) -> tuple[tuple[tuple[str, str], ...], bool]:
    """The knob settings without which the violation of `result` does not happen.

    A setting is needed when the same check holds for every other answer to the knob's question. For
    a knob at `either` each single answer is tried; the one that makes the check hold shows that the
    violation needs the other. Only knobs that open a choice are asked about, and a check that grows
    far beyond the first one says nothing: the second value is whether that happened to none. Where
    other properties are broken as well, the check is only for the one told and for crashes.
    """
    limits = replace(
        question.options.limits,
        states=4 * result.statistics.states + STATES_PER_ALTERNATIVE,
        seconds=min(max(LEAST_SECONDS, result.statistics.seconds), left()),
    )
    needed: list[tuple[str, str]] = []
    settled = True
    for knob in KNOBS:
        current = compared.knobs[knob.name]
        if not _opens_a_choice(current, knob):
            continue
        answers = [value for value in knob.values if value != EITHER]
        others = [value for value in answers if value != current]
        found = {
            value: _holds_with(compared, question, (knob, value), result, limits)
            for value in others
        }
        settled = settled and None not in found.values()
        bad = [value for value in answers if not found.get(value)]
        if len(bad) == 1 and len(answers) > 1:
            needed.append((knob.name, bad[0]))
    return tuple(needed), settled


def _opens_a_choice(value: str, knob: Knob) -> bool:
    """Whether the knob's value explores more than another would: only then can it matter."""
    return value == EITHER or value != knob.default or (knob.name, value) == MAY_FAIL


def _holds_with(
    compared: Comparison,
    question: Question,
    setting: tuple[Knob, str],
    found: Result,
    limits: Limits,
) -> bool | None:
    """Whether the check holds with another knob value; nothing if a limit is reached first.

    It is not asked where the value changes nothing.
    """
    from dirql.properties import alone

    look()
    knob, value = setting
    other = compared.compiled(compared.knobs.with_value(knob.name, value))
    if other == compared.machine:
        return False
    if found.others and isinstance(found.verdict, Violated):
        other = alone(other, found.verdict.property)
    result = toolbox.engine(question.options.engine).check(other, limits, None)
    return None if result.limited else isinstance(result.verdict, Holds)
