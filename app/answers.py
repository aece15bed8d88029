"""Answering a question: compile, check, and say what exactly the verdict covers."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

from dirql.explorer.engine import BeyondEngineError, Engine, Snapshot
from dirql.explorer.patience import LimitReached, Patience
from dirql.explorer.trace import Trace
from dirql.explorer.verdict import Holds, Result, Unknown, Violated, nothing_found
from dirql.explorer.workspace import WorkspaceError
from dirql.model import scenario as expectations
from dirql.model.kernel.knobs import KNOBS, KnobError, Knobs, make_knobs
from dirql.model.language import Pattern
from dirql.model.machine import Machine
from dirql.model.scenario import Expectation, Scenario
from dirql.model.system import System
from dirql.model.visible import one_line

from . import toolbox
from .coverage import Unvisited, unvisited
from .defaults import Comparison, Default
from .not_asked import NotAsked
from .progress import working
from .questions import NO_MEMORY, Failure, Question, load
from .remembered import Asked, Memory, Remark

if TYPE_CHECKING:
    from .hang import Standstill

Watch: TypeAlias = "Callable[[Snapshot], None] | None"


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
        knobs_in_force: (name, value) of every knob.
        standstill: what hangs in the end and why, where the violation is that something hangs.
        cut: the crashes, not asked for, at which behaviours ended.
        unasked: why what stands beside the verdict is not complete; empty where it is.
        not_asked: properties that ask nothing in this scenario, or little.
        defaults: what becomes of a verdict `holds` with other answers to the questions of knobs.
    """

    question: Question
    result: Result
    knobs: tuple[tuple[str, str], ...]
    properties: tuple[str, ...] | None
    scope: tuple[str, ...]
    expected: Expectation | None
    needed_knobs: tuple[tuple[str, str], ...] = ()
    unvisited: tuple[Unvisited, ...] = ()
    knobs_in_force: tuple[tuple[str, str], ...] = ()
    standstill: str = ""
    cut: tuple[str, ...] = ()
    unasked: str = ""
    not_asked: tuple[NotAsked, ...] = ()
    defaults: tuple[Default, ...] = ()

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
    names = ", ".join(one_line(scenario.name) for scenario in pattern.scenarios)
    raise toolbox.InputError(
        f"{one_line(str(pattern.path))}: no scenario {name!r}; it has: {names}"
    )


@dataclass(frozen=True, slots=True)
class Subject:
    """A question compiled: what the engine will be given, and how it came about."""

    asked: Asked
    system: System
    machine: Machine

    @property
    def scenario(self) -> Scenario:
        """The scenario asked about."""
        return self.asked.scenario


def concrete(question: Question) -> Asked:
    """All that decides which machine `question` is about.

    Raises:
        InputError: the pattern cannot be loaded, or a knob does not exist.
    """
    pattern = load(question.pattern, run_module=question.options.run_module)
    scenario = find_scenario(pattern, question.scenario)
    try:
        knobs = make_knobs({**dict(scenario.knobs), **dict(question.options.knobs)})
    except KnobError as error:
        raise toolbox.InputError(
            f"{one_line(question.pattern)}: scenario {one_line(scenario.name)}: {error}"
        ) from error
    return Asked(pattern, scenario, question.processors, knobs, *_asked(question, scenario))


def _asked(
    question: Question, scenario: Scenario
) -> tuple[tuple[str, ...] | None, tuple[str, ...]]:
    """The properties asked for, `None` for all, and those that are waived.

    What is asked for by name on the command line is asked, though the scenario waives it.

    Raises:
        InputError: all that is asked for is waived.
    """
    options = question.options
    ignored = options.ignore if options.properties else (*options.ignore, *scenario.ignore)
    chosen = options.properties or scenario.properties
    if not ignored:
        return chosen or None, ()
    from dirql.properties import PROPERTIES

    names = chosen or tuple(item.name for item in PROPERTIES)
    left = tuple(name for name in names if name not in ignored)
    if not left:
        raise toolbox.InputError(
            f"{question.pattern}: scenario {scenario.name}: nothing is left to check, for all that "
            f"is asked is waived: {', '.join(names)}"
        )
    return left, tuple(name for name in dict.fromkeys(ignored) if name in names)


def prepare(question: Question) -> Subject:
    """Compile what `question` asks about.

    Raises:
        InputError: the pattern cannot be loaded or compiled, or a knob does not exist.
    """
    with working(f"compiling {question.pattern}"):
        return _compiled(concrete(question))


def _compiled(asked: Asked) -> Subject:
    from dirql.properties import UnknownPropertyError, apply

    system = toolbox.compile_scenario(asked.pattern, asked.scenario, asked.processors, asked.knobs)
    try:
        return Subject(asked, system, apply(system, asked.properties))
    except UnknownPropertyError as error:
        raise toolbox.InputError(f"{one_line(str(asked.pattern.path))}: {error}") from error


@dataclass(slots=True)
class _Work:
    """How far a question has come, so that a limit that ends it loses nothing.

    Attributes:
        patience: who watches over the limits.
        doing: what a limit would interrupt, in words.
        asked: the question made concrete, once the pattern is read.
    """

    patience: Patience
    doing: str = "the pattern was read"
    asked: Asked | None = None


def answer(question: Question, watch: Watch = None) -> Answer | Failure:
    """Check what `question` asks; a pattern that cannot be compiled is a failure."""
    engine = question.options.engine
    work = _Work(Patience(question.options.watched))
    try:
        with work.patience:
            result, remark = _found(work, question, watch)
    except toolbox.InputError as problem:
        return Failure(question.pattern, str(problem))
    except BeyondEngineError as problem:
        beyond = f"the {engine.name} engine cannot hold this: {problem}; use --engine reference"
        return Failure(question.pattern, f"{one_line(question.pattern)}: {beyond}")
    except WorkspaceError as problem:
        return Failure(question.pattern, f"{one_line(question.pattern)}: {problem}")
    except (LimitReached, MemoryError) as limit:
        reason = f"{limit if isinstance(limit, LimitReached) else NO_MEMORY} while {work.doing}"
        return stopped(question, reason, work.patience.seconds, work.asked)
    return _told(question, work.asked, result, remark)


def stopped(question: Question, reason: str, seconds: float, asked: Asked | None = None) -> Answer:
    """The answer to a question that was ended before there was any result."""
    result = nothing_found(reason, question.options.engine.name, seconds)
    return _told(question, asked, result, Remark(()))


def _told(question: Question, asked: Asked | None, result: Result, remark: Remark) -> Answer:
    """The result, with what is said beside it and what is known about the question."""
    return Answer(
        question=question,
        result=result,
        knobs=() if asked is None else asked.knobs.settings,
        properties=None if asked is None else asked.properties,
        scope=remark.scope,
        expected=None if asked is None else dict(asked.scenario.expect).get(question.processors),
        needed_knobs=remark.needed_knobs,
        unvisited=remark.unvisited,
        knobs_in_force=()
        if asked is None
        else tuple((knob.name, asked.knobs[knob.name]) for knob in KNOBS),
        standstill=remark.standstill,
        cut=remark.cut,
        unasked=remark.unasked,
        not_asked=remark.not_asked,
        defaults=remark.defaults,
    )


def _found(work: _Work, question: Question, watch: Watch) -> tuple[Result, Remark]:
    """The result and what is said beside it, from memory as far as it is there."""
    options = question.options
    asked = work.asked = concrete(question)
    memory = Memory(toolbox.storage(options.engine), options.engine)
    key = memory.key(asked, compare_knobs=options.compare_knobs)
    known = memory.remark(key)
    if known is not None and (result := memory.holding(known)):
        return result, known
    work.doing = "the pattern was compiled"
    subject = _compiled(asked)
    work.doing = "the machine was explored"
    limits = replace(options.limits, spent=work.patience.seconds)
    result = _engine(memory, question).check(subject.machine, limits, watch)
    remark = memory.confirmed(known, subject.machine) if result.cached else None
    if remark is None:
        remark = _remark(work, subject, question, result)
        if not remark.scope and remark.unasked and isinstance(result.verdict, Holds):
            # Behaviours may have been cut short, so it is not known what it is that holds.
            reason = f"nothing wrong was found, but {remark.unasked}"
            result = replace(result, verdict=Unknown(reason), limited=True)
        if not result.limited:
            memory.keep(key, remark, subject.machine)
    return _going_on(subject.machine, result, remark.way) if remark.way else result, remark


def _engine(memory: Memory, question: Question) -> Engine:
    """The engine for a question: what lies behind a broken contract is a search of its own."""
    from dirql.explorer.gravest import Gravest

    def behind(passed: int) -> Engine:
        name = f"{question.name}-behind-{passed}" if passed else question.name
        return memory.engine(toolbox.engine(question.options.engine, name))

    return Gravest(behind(0), behind)


def _remark(work: _Work, subject: Subject, question: Question, result: Result) -> Remark:
    """What is said beside the result; as much of it as the limits allow."""
    made = Remark((), settled=False)
    try:
        made = _beside(subject, result)
        if question.options.compare_knobs and isinstance(result.verdict, Violated):
            made = _needing(subject, question, result, made)
        elif question.options.compare_knobs and isinstance(result.verdict, Holds):
            made = _compared(subject, question, result, made)
    except (LimitReached, MemoryError) as limit:
        work.patience.settle()
        reason = limit if isinstance(limit, LimitReached) else NO_MEMORY
        what = "which knobs it needs" if made.scope else "what it covers and what it needs"
        if made.scope and isinstance(result.verdict, Holds):
            what = "which knobs it rests on"
        return replace(made, settled=False, unasked=f"{what} was not fully checked: {reason}")
    return made


def _needing(subject: Subject, question: Question, result: Result, made: Remark) -> Remark:
    """What was `made` of a violation, with the knob settings that it needs."""
    from .needed import needed_knobs

    needed, settled = needed_knobs(_compared_with(subject), question, result)
    return replace(made, needed_knobs=needed, settled=settled)


def _compared(subject: Subject, question: Question, result: Result, made: Remark) -> Remark:
    """What was `made` of a check that holds, with what it rests on."""
    from .defaults import defaults
    from .scope import rests_on

    found, settled = defaults(_compared_with(subject), subject.system.notes, question, result)
    scope = (*made.scope, *rests_on(found))
    return replace(made, scope=scope, defaults=found, settled=settled)


def _compared_with(subject: Subject) -> Comparison:
    """The machine of `subject`, and what it would be with other knobs."""
    asked = subject.asked

    def compiled(knobs: Knobs) -> Machine:
        return _compiled(replace(asked, knobs=knobs)).machine

    return Comparison(subject.machine, asked.knobs, compiled)


def _beside(subject: Subject, result: Result) -> Remark:
    from dirql.properties import PROPERTIES, rules_that_cut

    from .not_asked import not_asked
    from .scope import Found, scope_of

    asked, system = subject.asked, subject.system
    program, taken = asked.pattern.program, result.statistics.taken
    rules = rules_that_cut(system, asked.properties, taken)
    seen = taken if result.statistics.complete else None
    silent = not_asked(system, program, asked.scenario, asked.properties, seen)
    names = asked.properties
    if names is not None and len(names) + len(asked.waived) == len(PROPERTIES):
        names = None
    found = Found(rules, silent, asked.waived)
    end = _standstill(subject, result)
    return Remark(
        scope_of(system, program, asked.knobs, names, found),
        unvisited=unvisited(subject.machine, system.notes, program, result),
        standstill=end.told,
        way=end.way,
        not_asked=silent,
        cut=rules,
    )


def _standstill(subject: Subject, result: Result) -> "Standstill":
    from .hang import Standstill, standstill

    match result.verdict:
        case Violated(_, trace) | Unknown(_, Trace() as trace):
            return standstill(subject.system, subject.machine, trace)
        case _:
            return Standstill()


def _going_on(machine: Machine, result: Result, way: tuple[int, ...]) -> Result:
    """`result` with the way into a standstill behind its trace."""
    from .hang import going_on

    match result.verdict:
        case Violated(trace=trace) as verdict:
            return replace(result, verdict=replace(verdict, trace=going_on(machine, trace, way)))
        case Unknown(possible=Trace() as trace) as verdict:
            return replace(result, verdict=replace(verdict, possible=going_on(machine, trace, way)))
        case _:
            return result
