"""Small systems built by hand: lock programs, one line with its object, a thread that waits.

`truth` and `reachable` are deliberately naive and share nothing with the engines.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import assert_never

from dirql.model.domain import Enumeration, Value
from dirql.model.expr import (
    FALSE,
    TRUE,
    And,
    Arithmetic,
    Compare,
    Constant,
    Expression,
    IfThenElse,
    Member,
    Not,
    Or,
    Read,
    Select,
)
from dirql.model.machine import Context, ContextKind, Machine, Source, Transition, Variable
from dirql.model.system import LockFacts, Point, System

State = tuple[tuple[str, Value], ...]

EMPTY = System(
    machine=Machine("empty", (), ()),
    points=(),
    locks=(),
    interrupts=(),
    lines=(),
    queues=(),
    waiting=(),
    claims=(),
    removed=FALSE,
)


def value(expression: Expression, state: dict[str, Value]) -> Value:
    """The value of `expression` in `state`."""
    match expression:
        case Constant(constant):
            return constant
        case Read(variable):
            return state[variable]
        case Not(operand):
            return not value(operand, state)
        case And(operands):
            return all(value(item, state) for item in operands)
        case Or(operands):
            return any(value(item, state) for item in operands)
        case Compare("==", left, right):
            return value(left, state) == value(right, state)
        case Compare("!=", left, right):
            return value(left, state) != value(right, state)
        case Compare("<", left, right):
            return int(value(left, state)) < int(value(right, state))
        case Compare(_, left, right):
            return int(value(left, state)) <= int(value(right, state))
        case IfThenElse(condition, then, otherwise):
            return value(then if value(condition, state) else otherwise, state)
        case Member(operand, values):
            return value(operand, state) in values
        case Arithmetic() | Select():
            raise NotImplementedError(expression)
        case _:
            assert_never(expression)


def truth(expression: Expression, **state: Value) -> bool:
    """Whether `expression` holds in the state given as keywords (`_` in a name is a space)."""
    return bool(value(expression, {name.replace("_", " "): item for name, item in state.items()}))


def enabled(machine: Machine, state: State) -> Iterator[Transition]:
    """The transitions that can be taken in `state`."""
    values = dict(state)
    for step in machine.transitions:
        if all(value(atom, values) for atom in (*step.guard, *step.scheduling)):
            yield step


def after(step: Transition, state: State) -> State:
    """The state that `step` leads to."""
    values = dict(state)
    new = {variable: value(expression, values) for variable, expression in step.updates}
    return tuple((name, new.get(name, old)) for name, old in state)


def reachable(machine: Machine) -> dict[State, set[State]]:
    """All states reachable from the first initial values, each with its successors.

    A step that breaks a check ends the behaviour.
    """
    first = tuple((variable.name, variable.initial[0]) for variable in machine.variables)
    edges: dict[State, set[State]] = {}
    pending = [first]
    while pending:
        state = pending.pop()
        if state in edges:
            continue
        edges[state] = {
            after(step, state)
            for step in enabled(machine, state)
            if all(value(check.condition, dict(state)) for check in step.checks)
        }
        pending.extend(edges[state])
    return edges


def closure(edges: dict[State, set[State]], start: State) -> set[State]:
    """All states reachable from `start`, itself included."""
    found: set[State] = set()
    pending = [start]
    while pending:
        state = pending.pop()
        if state not in found:
            found.add(state)
            pending.extend(edges[state])
    return found


@dataclass(frozen=True)
class Runner:
    """A context of a lock program: `+A` takes lock A, `-A` releases it, `^8` goes to level 8.

    Without a processor it is a thread that floats, runs its program once at DISPATCH_LEVEL on
    any processor, and ends. With one it is a service routine of that processor and `level`,
    which may be entered whenever the processor's level is below it.
    """

    name: str
    program: tuple[str, ...]
    processor: str = ""
    level: int = 2


def lock_system(runners: Sequence[Runner], processors: Sequence[str]) -> System:
    """A system whose contexts do nothing but take and release spin locks."""
    locks = sorted(
        {action[1:] for runner in runners for action in runner.program if action[0] in "+-"}
    )
    owners = Enumeration("context", ("none", *(runner.name for runner in runners)))
    places = Enumeration("processor", ("none", *processors))
    contexts = tuple(_context(runner) for runner in runners)
    variables = [
        *(Variable(f"at {r.name}", _counter(r), ("start",), r.name) for r in runners),
        *(
            Variable(f"processor of {r.name}", places, ("none",), r.name)
            for r in runners
            if not r.processor
        ),
        *(Variable(f"owner of {lock}", owners, ("none",)) for lock in locks),
    ]
    points = tuple(point for runner in runners for point in _points(runner))
    steps = tuple(step for runner in runners for step in _steps(runner, contexts, processors))
    machine = Machine("locks", tuple(variables), steps, contexts)
    facts = tuple(LockFacts(lock, f"owner of {lock}") for lock in locks)
    return replace(EMPTY, machine=machine, points=points, locks=facts)


def _counter(runner: Runner) -> Enumeration:
    inside = tuple(str(index) for index in range(len(runner.program) + 1))
    return Enumeration(f"points of {runner.name}", ("start", *inside, "done"))


def _context(runner: Runner) -> Context:
    resting = Member(Read(f"at {runner.name}"), ("done", "start"))
    place: Expression = Read(f"processor of {runner.name}")
    if runner.processor:
        place = IfThenElse(resting, Constant("none"), Constant(runner.processor))
    kind = ContextKind.ISR if runner.processor else ContextKind.THREAD
    return Context(runner.name, kind, f"at {runner.name}", place, _level(runner))


def _level(runner: Runner) -> Expression:
    """The level by program point."""
    level: Expression = Constant(0)
    for point in _points(runner):
        here = Compare("==", Read(f"at {runner.name}"), Constant(point.label))
        if point.irql:
            level = IfThenElse(here, Constant(point.irql), level)
    return level


def _points(runner: Runner) -> Iterator[Point]:
    held: list[str] = []
    level = runner.level
    yield _point(runner, "start", 0, (), end=bool(runner.processor))
    for index, action in enumerate((*runner.program, "end")):
        wanted = action[1:] if action.startswith("+") else ""
        yield _point(runner, str(index), level, tuple(held), wanted)
        if wanted:
            held.append(wanted)
        elif action.startswith("-"):
            held.remove(action[1:])
        elif action.startswith("^"):
            level = int(action[1:])
    yield _point(runner, "done", 0, (), end=True)


def _point(
    runner: Runner,
    label: str,
    irql: int,
    held: tuple[str, ...],
    waits_for: str = "",
    *,
    end: bool = False,
) -> Point:
    return Point(runner.name, label, irql, held, waits_for, "", "", end, Source())


def _steps(
    runner: Runner, contexts: Sequence[Context], processors: Sequence[str]
) -> Iterator[Transition]:
    counter = f"at {runner.name}"
    place = f"processor of {runner.name}"

    def at(label: str) -> Expression:
        return Compare("==", Read(counter), Constant(label))

    for processor in [runner.processor] if runner.processor else processors:
        yield Transition(
            f"enter on {processor}",
            runner.name,
            (at("start"),),
            (
                (counter, Constant("0")),
                *(() if runner.processor else ((place, Constant(processor)),)),
            ),
            scheduling=tuple(
                Or(
                    (
                        Compare("!=", other.processor, Constant(processor)),
                        Compare("<", other.irql, Constant(runner.level)),
                    )
                )
                for other in contexts
                if other.name != runner.name
            ),
        )
    me = next(context for context in contexts if context.name == runner.name)
    on_top = tuple(
        Or(
            (
                Compare("!=", other.processor, me.processor),
                Compare("<=", other.irql, me.irql),
            )
        )
        for other in contexts
        if other.name != runner.name
    )
    for index, action in enumerate(runner.program):
        owner = f"owner of {action[1:]}"
        takes = action.startswith("+")
        free = Compare("==", Read(owner), Constant("none"))
        changes = ((owner, Constant(runner.name if takes else "none")),)
        yield Transition(
            action,
            runner.name,
            (at(str(index)), *((free,) if takes else ())),
            ((counter, Constant(str(index + 1))), *(() if action.startswith("^") else changes)),
            scheduling=on_top,
        )
    yield Transition(
        "leave",
        runner.name,
        (at(str(len(runner.program))),),
        (
            (counter, Constant("start" if runner.processor else "done")),
            *(() if runner.processor else ((place, Constant("none")),)),
        ),
        scheduling=on_top,
    )


def flag(name: str) -> Expression:
    """That the flag `name` is set."""
    return Compare("==", Read(name), TRUE)
