"""Races: pairs of accesses that can meet in a state. `machine.Access` says which pairs."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from dirql.model.domain import Value
from dirql.model.machine import Access, AccessKind, Machine, Transition

from .evaluate import Evaluator, State
from .successors import Action
from .trace import Violation

DATA_RACE = "data-race"
TORN_UPDATE = "torn-read-modify-write"

WRITES = frozenset((AccessKind.PLAIN_WRITE, AccessKind.VOLATILE_WRITE, AccessKind.INTERLOCKED))
PLAIN = frozenset((AccessKind.PLAIN_READ, AccessKind.PLAIN_WRITE))


def may_race(left: Access, right: Access) -> bool:
    """Whether two accesses of different contexts race if they meet in one state."""
    kinds = (left.kind, right.kind)
    return (
        left.location == right.location
        and any(kind in WRITES for kind in kinds)
        and any(kind in PLAIN for kind in kinds)
    )


def may_tear(update: Access, other: Access) -> bool:
    """Whether `other`, of another context, would tear the update that `update` completes."""
    return update.completes_update and update.location == other.location and other.kind in WRITES


@dataclass(frozen=True, slots=True)
class _Touch:
    """One access of one transition; `element` gives the index it touches, if it has one."""

    action: Action
    access: Access
    element: Callable[[State], Value] | None


class RaceSearch:
    """Looks for the races that a machine asks about, one state at a time."""

    def __init__(self, machine: Machine, evaluator: Evaluator, actions: list[Action]) -> None:
        """Keep the accesses that can be one half of a race at all."""
        touches = [
            _Touch(action, access, evaluator.value(access.index) if access.index else None)
            for action in actions
            for access in action.transition.accesses
        ]
        pairs = [
            (first, second)
            for first in touches
            for second in touches
            if first.action.transition.context != second.action.transition.context
        ]
        self._racing: dict[int, list[tuple[_Touch, _Touch]]] = {}
        self._tearing: dict[int, list[tuple[_Touch, _Touch]]] = {}
        for first, second in pairs:
            ordered = first.action.index < second.action.index
            if DATA_RACE in machine.races and ordered and may_race(first.access, second.access):
                self._racing.setdefault(first.action.index, []).append((first, second))
            if TORN_UPDATE in machine.races and may_tear(first.access, second.access):
                self._tearing.setdefault(second.action.index, []).append((first, second))

    def data_race(self, state: State, enabled: list[Action]) -> Violation | None:
        """The first data race among the transitions `enabled` in `state`."""
        if not self._racing:
            return None
        present = {action.index for action in enabled}
        return next(
            (
                _violation(DATA_RACE, first, second)
                for first, second in _pairs(self._racing, enabled)
                if second.action.index in present and _meet(first, second, state)
            ),
            None,
        )

    def torn_update(self, state: State, enabled: list[Action]) -> Violation | None:
        """The first update that a transition of `enabled` would tear in `state`."""
        return next(
            (
                _violation(TORN_UPDATE, first, second)
                for first, second in _pairs(self._tearing, enabled)
                if first.action.stands(state) and _meet(first, second, state)
            ),
            None,
        )


def _pairs(
    table: dict[int, list[tuple[_Touch, _Touch]]], enabled: list[Action]
) -> Iterator[tuple[_Touch, _Touch]]:
    for action in enabled:
        yield from table.get(action.index, ())


def _meet(left: _Touch, right: _Touch, state: State) -> bool:
    """Whether two accesses to one location touch the same element; no index means all of them."""
    if left.element is None or right.element is None:
        return True
    return left.element(state) == right.element(state)


def _violation(name: str, first: _Touch, second: _Touch) -> Violation:
    one, other = first.action.transition, second.action.transition
    return meeting(name, (one, first.access), (other, second.access))


def meeting(
    name: str, first: tuple[Transition, Access], second: tuple[Transition, Access]
) -> Violation:
    """What a race of two accesses is called and how it is told."""
    (one, access), (other, access_of_other) = first, second
    where = access.location
    if name == DATA_RACE:
        detail = (
            f"{one.context} ({one.name}, {access.kind.value}) and {other.context} "
            f"({other.name}, {access_of_other.kind.value}) can touch {where} at the same time"
        )
    else:
        detail = (
            f"{other.context} ({other.name}) can write {where} between the read and the write "
            f"of an update by {one.context} ({one.name})"
        )
    return Violation(name, detail, "", at_step=False, contexts=(one.context, other.context))
