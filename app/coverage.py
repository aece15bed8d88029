"""Lines of the driver that never ran: dead code, or a scenario that leaves something out."""

from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass

from dirql.explorer.verdict import Holds, Result
from dirql.model.driver import Program
from dirql.model.expr import Constant
from dirql.model.grade import SURVIVED
from dirql.model.machine import Machine, Source, Transition
from dirql.model.routine import Call, Load, Node, Routine, Store


@dataclass(frozen=True, slots=True)
class Unvisited:
    """A line of the driver that `context` could run and never did; `by_all`: nor did another.

    `context` is empty where no context could even run it.
    """

    context: str
    source: Source
    by_all: bool


def unvisited(machine: Machine, program: Program, result: Result) -> tuple[Unvisited, ...]:
    """Lines none of whose steps was ever enabled, in the order of the source, by context.

    Of a routine that nothing in the scenario calls, the first line stands for all.
    """
    if not isinstance(result.verdict, Holds) or not result.statistics.complete:
        return ()
    ran: set[tuple[str, Source]] = set()
    there: set[tuple[str, Source]] = set()
    for index, transition in enumerate(machine.transitions):
        if transition.source.line and not _breaks_a_rule(transition):
            place = (transition.context, transition.source)
            there.add(place)
            if index in result.statistics.taken:
                ran.add(place)
    alive = {source for _, source in ran}
    compiled = {source for _, source in there}
    found = [Unvisited(*place, by_all=place[1] not in alive) for place in there - ran]
    found += [Unvisited("", source, by_all=True) for source in _left_out(program, compiled)]
    return tuple(sorted(found, key=lambda item: (item.source.file, item.source.line, item.context)))


def _left_out(program: Program, compiled: Iterable[Source]) -> Iterator[Source]:
    """What the compiler never came to, though it has steps of its own."""
    lines = set(compiled)
    entered = {source.routine for source in lines}
    names = {item.name for item in program.routines}
    looking = {*program.invariants}
    registers = {device.object for device in program.devices}
    for device in program.devices:
        looking |= {device.asserts, device.waiting}
    called = set(_called(program.routines))
    events = {event for device in program.devices for event in device.events}
    for routine in program.routines:
        register = routine.name.partition(".")[0] in registers and routine.name not in events
        if routine.name in looking or not any(_acts(node, names) for node in routine.nodes):
            continue
        if register:
            if routine.name not in called:
                yield routine.source
        elif routine.name not in entered:
            yield routine.source
        elif routine.name not in events:
            shared = (item.source for item in routine.nodes if _shares(item))
            yield from (source for source in dict.fromkeys(shared) if source not in lines)


def _shares(node: Node) -> bool:
    """Whether a node reads or writes something shared: always a step of its own."""
    return isinstance(node.instruction, Load | Store)


def _acts(node: Node, routines: Container[str]) -> bool:
    """Whether a node is a step of this very routine, and not of one of the `routines` it calls."""
    match node.instruction:
        case Call(routine=Constant(str(name))):
            return name not in routines
        case Call():
            return True
        case _:
            return _shares(node)


def _called(routines: Iterable[Routine]) -> Iterator[str]:
    """The routines that others call by their name."""
    for routine in routines:
        for node in routine.nodes:
            match node.instruction:
                case Call(routine=Constant(str(name))):
                    yield name
                case _:
                    pass


def _breaks_a_rule(transition: Transition) -> bool:
    """Whether it is there only to break a rule, after the step that leads to it."""
    return transition.name in SURVIVED or any(
        check.property == transition.name for check in transition.checks
    )
