"""The names that a scenario mentions: properties and knobs must exist before it is checked."""

from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path

from dirql.model.kernel.knobs import KNOBS, KnobError, make_knobs
from dirql.model.language import Pattern, PatternError
from dirql.model.language.errors import EXPECTATION, SCENARIO
from dirql.model.language.source import read_source
from dirql.model.scenario import Scenario, Violated
from dirql.properties import PROPERTIES, Grade, grade_of

from .toolbox import InputError

WAIVABLE = (
    "behaviours end there whatever is asked, and what lies behind is not explored; dirql rules "
    "lists what a free build of Windows survives"
)
"""Why a crash cannot be waived."""

LONGEST_SCENARIO = 60
"""Lines after the first in which the name is looked for, to point at it."""


def refuse_unknown_names(pattern: Pattern) -> None:
    """Refuse a pattern with a scenario that names a property, knob or value that does not exist.

    Raises:
        InputError: it does; the message says where, and what may have been meant.
    """
    properties = [item.name for item in PROPERTIES]
    knobs = [item.name for item in KNOBS]
    for scenario in pattern.scenarios:
        for name, code in _properties(scenario):
            if name not in properties:
                hint = f"{_meant(name, properties)}dirql rules lists the properties"
                raise _error(scenario, name, f"there is no property {name!r}", hint, code)
        for name in scenario.ignore:
            if grade_of(name) is Grade.CRASH:
                message, hint = f"{name} cannot be waived: it is a crash", WAIVABLE
                raise _error(scenario, name, message, hint, SCENARIO)
        for name, value in scenario.knobs:
            if name not in knobs:
                hint = f"{_meant(name, knobs)}dirql rules lists the knobs"
                raise _error(scenario, name, f"there is no knob {name!r}", hint, SCENARIO)
            try:
                make_knobs({name: value})
            except KnobError as error:
                hint = f"dirql explain {name} says what the values mean"
                raise _error(scenario, value, str(error), hint, SCENARIO) from error


def _properties(scenario: Scenario) -> Iterator[tuple[str, str]]:
    """The properties it names, each with the code of the complaint if there is none."""
    yield from ((name, SCENARIO) for name in (*scenario.properties, *scenario.ignore))
    for _, expected in scenario.expect:
        if isinstance(expected, Violated):
            yield expected.property, EXPECTATION


def _meant(name: str, names: list[str]) -> str:
    near = get_close_matches(name, names, n=1)
    return f"did you mean {near[0]}? " if near else ""


def _error(scenario: Scenario, word: str, message: str, hint: str, code: str) -> InputError:
    """The complaint, pointing at the word where it stands in quotes, else at the scenario."""
    at = scenario.source
    line, column, text = at.line, 1, at.text
    for number, candidate in _lines(at.file, at.line):
        place = max(candidate.find(f'"{word}"'), candidate.find(f"'{word}'"))
        if place >= 0:
            line, column, text = number, place + 1, candidate
            break
    return InputError(str(PatternError(message, at.file, line, column, text, hint, code)))


def _lines(file: str, first: int) -> Iterator[tuple[int, str]]:
    """Numbers and texts of the lines of the scenario, then of the others: `expect` may be apart."""
    try:
        lines = list(enumerate(read_source(Path(file)).lines, 1))
    except PatternError:
        return  # its name cannot be printed as it is
    end = first - 1 + LONGEST_SCENARIO
    yield from (*lines[first - 1 : end], *lines[: first - 1], *lines[end:])
