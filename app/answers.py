"""Answering a question: compile, check, and say what exactly the verdict covers."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TypeAlias

from dirql.explorer.engine import BeyondEngineError, Limits, Snapshot
from dirql.explorer.verdict import Holds, Result, Violated
from dirql.model import scenario as expectations
from dirql.model.kernel.knobs import KNOBS, Knob, KnobError, Knobs, make_knobs
from dirql.model.language import Pattern
from dirql.model.machine import Machine, Source
from dirql.model.scenario import Expectation, Scenario
from dirql.model.system import System
from dirql.properties import apply, rules_that_cut

from . import toolbox
from .questions import Failure, Question, load
from .scope import scope_of

Watch: TypeAlias = "Callable[[Snapshot], None] | None"

EITHER = "either"
MAY_FAIL = ("connect_may_fail", "yes")
"""A default that explores both ways although it is not called so."""

LEAST_SECONDS = 1.0
"""Time that looking at another knob value may always cost; else as much as the check itself."""

STATES_PER_ALTERNATIVE = 10_000
"""States that looking at another knob value may always cost, whatever the check itself cost."""


@dataclass(frozen=True, slots=True)
class Unvisited:
    """A line of the driver that `context` could run and never did; `by_all`: nor did another."""

    context: str
    source: Source
    by_all: bool


@dataclass(frozen=True, slots=True)
class Answer:
    """A result with everything a report says beside it.

    Attributes:
        question: what was asked.
        result: the engine's result.
        knobs: (name, value) of each knob that is not at its default.
        properties: the names checked, `None` for all.
        scope: what a verdict covers, one phrase each.
        expected: what the pattern's author expects, if that is stated.
        needed_knobs: knob settings, each of which the violation does not happen without.
        unvisited: lines that never ran; empty unless the search was complete.
    """

    question: Question
    result: Result
    knobs: tuple[tuple[str, str], ...]
    properties: tuple[str, ...] | None
    scope: tuple[str, ...]
    expected: Expectation | None
    needed_knobs: tuple[tuple[str, str], ...] = ()
    unvisited: tuple[Unvisited, ...] = ()

    @property
    def agrees(self) -> bool:
        """Whether the author expected this; a pattern that expects nothing agrees with nothing."""
        verdict, statistics = self.result.verdict, self.result.statistics
        match self.expected, verdict:
            case expectations.Holds(states), Holds():
                return states in (0, statistics.states)
            case expectations.Violated(name, steps, states), Violated(found, trace):
                return (
                    name == found
                    and steps in (0, len(trace.steps))
                    and states in (0, statistics.states)
                )
            case _:
                return False


def find_scenario(pattern: Pattern, name: str) -> Scenario:
    """The scenario called `name`.

    Raises:
        InputError: the pattern has no such scenario; the message lists those it has.
    """
    for scenario in pattern.scenarios:
        if scenario.name == name:
            return scenario
    names = ", ".join(scenario.name for scenario in pattern.scenarios)
    raise toolbox.InputError(f"{pattern.path}: no scenario {name!r}; it has: {names}")


@dataclass(frozen=True, slots=True)
class Subject:
    """A question made concrete: what the engine will be given, and how it came about."""

    pattern: Pattern
    scenario: Scenario
    processors: int
    knobs: Knobs
    properties: tuple[str, ...] | None
    system: System
    machine: Machine


def prepare(question: Question) -> Subject:
    """Compile what `question` asks about.

    Raises:
        InputError: the pattern cannot be loaded or compiled, or a knob does not exist.
    """
    pattern = load(question.pattern)
    scenario = find_scenario(pattern, question.scenario)
    try:
        knobs = make_knobs({**dict(scenario.knobs), **dict(question.options.knobs)})
    except KnobError as error:
        raise toolbox.InputError(
            f"{question.pattern}: scenario {scenario.name}: {error}"
        ) from error
    properties = question.options.properties or scenario.properties or None
    return _subject(pattern, scenario, question.processors, knobs, properties)


def _subject(
    pattern: Pattern,
    scenario: Scenario,
    processors: int,
    knobs: Knobs,
    properties: tuple[str, ...] | None,
) -> Subject:
    system = toolbox.compile_scenario(pattern, scenario, processors, knobs)
    machine = apply(system, properties)
    return Subject(pattern, scenario, processors, knobs, properties, system, machine)


def answer(question: Question, watch: Watch = None) -> Answer | Failure:
    """Check what `question` asks; a pattern that cannot be compiled is a failure."""
    options = question.options
    try:
        subject = prepare(question)
        result = toolbox.engine(options.engine).check(subject.machine, options.limits, watch)
        needed = (
            tuple(needed_knobs(subject, question, result))
            if options.compare_knobs and isinstance(result.verdict, Violated)
            else ()
        )
    except toolbox.InputError as problem:
        return Failure(question.pattern, str(problem))
    except BeyondEngineError as problem:
        beyond = f"the {options.engine} engine cannot hold this: {problem}; use --engine reference"
        return Failure(question.pattern, f"{question.pattern}: {beyond}")
    taken = result.statistics.taken
    return Answer(
        question=question,
        result=result,
        knobs=subject.knobs.settings,
        properties=subject.properties,
        scope=scope_of(
            subject.machine,
            subject.pattern.program,
            subject.knobs,
            subject.properties,
            rules_that_cut(subject.system, subject.properties, taken),
        ),
        expected=dict(subject.scenario.expect).get(question.processors),
        needed_knobs=needed,
        unvisited=tuple(_unvisited(subject.machine, result)),
    )


def needed_knobs(subject: Subject, question: Question, result: Result) -> Iterator[tuple[str, str]]:
    """The knob settings without which the violation of `result` does not happen.

    A setting is needed when the same check holds for every other answer to the knob's question. For
    a knob at `either` each single answer is tried; the one that makes the check hold shows that the
    violation needs the other. Only knobs that open a choice are asked about, and a check that grows
    far beyond the first one says nothing.
    """
    limits = replace(
        question.options.limits,
        states=4 * result.statistics.states + STATES_PER_ALTERNATIVE,
        seconds=max(LEAST_SECONDS, result.statistics.seconds),
    )
    for knob in KNOBS:
        if not _opens_a_choice(subject.knobs[knob.name], knob):
            continue
        answers = [value for value in knob.values if value != EITHER]
        current = subject.knobs[knob.name]
        good = [
            value
            for value in answers
            if value != current and _holds_with(subject, question, knob, value, limits)
        ]
        bad = [value for value in answers if value not in good]
        if good and len(bad) == 1:
            yield knob.name, bad[0]


def _opens_a_choice(value: str, knob: Knob) -> bool:
    """Whether the knob's value explores more than another would: only then can it matter."""
    return value == EITHER or value != knob.default or (knob.name, value) == MAY_FAIL


def _holds_with(
    subject: Subject, question: Question, knob: Knob, value: str, limits: Limits
) -> bool:
    """Whether the check holds with `knob` at `value`; not asked where that changes nothing."""
    other = _subject(
        subject.pattern,
        subject.scenario,
        subject.processors,
        subject.knobs.with_value(knob.name, value),
        subject.properties,
    )
    if other.machine == subject.machine:
        return False
    result = toolbox.engine(question.options.engine).check(other.machine, limits, None)
    return isinstance(result.verdict, Holds)


def _unvisited(machine: Machine, result: Result) -> Iterator[Unvisited]:
    """Lines none of whose steps was ever enabled, by context, in the order of the source."""
    if not isinstance(result.verdict, Holds) or not result.statistics.complete:
        return
    ran: set[tuple[str, Source]] = set()
    there: set[tuple[str, Source]] = set()
    for index, transition in enumerate(machine.transitions):
        if transition.source.line:
            place = (transition.context, transition.source)
            there.add(place)
            if index in result.statistics.taken:
                ran.add(place)
    alive = {source for _, source in ran}
    for context, source in sorted(
        there - ran, key=lambda place: (place[1].file, place[1].line, place[0])
    ):
        yield Unvisited(context, source, by_all=source not in alive)
