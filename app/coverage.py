"""Lines of the driver that never ran: dead code, or a scenario that leaves something out."""

from collections.abc import Iterator
from dataclasses import dataclass

from dirql.explorer.verdict import Holds, Result
from dirql.model.machine import Machine, Source


@dataclass(frozen=True, slots=True)
class Unvisited:
    """A line of the driver that `context` could run and never did; `by_all`: nor did another."""

    context: str
    source: Source
    by_all: bool


def unvisited(machine: Machine, result: Result) -> Iterator[Unvisited]:
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
