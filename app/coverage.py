"""Lines of the driver that never ran: dead code, or a scenario that leaves something out."""

from collections.abc import Container, Iterator
from dataclasses import dataclass

from dirql.explorer.verdict import Holds, Result
from dirql.model.driver import Program
from dirql.model.grade import SURVIVED
from dirql.model.machine import Machine, Source, Transition
from dirql.model.routine import Assert, Call, Load, Node, Store
from dirql.model.system import Notes


@dataclass(frozen=True, slots=True)
class Unvisited:
    """A line of the driver that `context` could run and never did; `by_all`: nor did another.

    `context` is empty where no context could even run it.
    """

    context: str
    source: Source
    by_all: bool


def unvisited(
    machine: Machine, notes: Notes, program: Program, result: Result
) -> tuple[Unvisited, ...]:
    """Lines none of whose steps was ever enabled, in the order of the source, by context.

    A line at which a rule that is not asked was broken did run: `machine` has a step for that.

    Of a routine that nothing in the scenario comes to, the first line stands for all.
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
    found = [Unvisited(*place, by_all=place[1] not in alive) for place in there - ran]
    left = dict.fromkeys(_left_out(program, notes.reached))
    compiled = {source for _, source in there}
    found += [Unvisited("", source, by_all=True) for source in left if source not in compiled]
    return tuple(sorted(found, key=lambda item: (item.source.file, item.source.line, item.context)))


def _left_out(program: Program, reached: Container[tuple[str, int]]) -> Iterator[Source]:
    """What the compiler never came to: whole routines, and what others would see happen."""
    for routine in program.routines:
        alive = {
            node.source
            for index, node in enumerate(routine.nodes)
            if (routine.name, index) in reached
        }
        if not alive:
            yield routine.source
            continue
        yield from (
            node.source for node in routine.nodes if _acts(node) and node.source not in alive
        )


def _acts(node: Node) -> bool:
    """Whether a node does more than compute with locals, or leave."""
    return isinstance(node.instruction, Call | Load | Store | Assert)


def _breaks_a_rule(transition: Transition) -> bool:
    """Whether it is there only to break a rule, after the step that leads to it."""
    return transition.name in SURVIVED or any(
        check.property == transition.name for check in transition.checks
    )
