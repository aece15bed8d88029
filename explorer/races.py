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


def may_race(first: Access, second: Access) -> bool:
    """Whether `first`, where its context stands, races with `second`, which is about to happen.

    A single aligned read beside interlocked writers is advice rather than a race.
    """
    return (
        first.location == second.location
        and first.kind in PLAIN
        and (first.kind in WRITES or second.kind in WRITES)
        and not (first.kind is AccessKind.PLAIN_READ and second.kind is AccessKind.INTERLOCKED)
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
            if DATA_RACE in machine.races and may_race(first.access, second.access):
                self._racing.setdefault(second.action.index, []).append((first, second))
            if TORN_UPDATE in machine.races and may_tear(first.access, second.access):
                self._tearing.setdefault(second.action.index, []).append((first, second))

    def data_race(self, state: State, enabled: list[Action]) -> Violation | None:
        """The first data race of a transition of `enabled` in `state`.

        Where both are enabled they are told in the order of the machine.
        """
        present = {action.index for action in enabled}
        for first, second in _pairs(self._racing, enabled):
            if first.action.stands(state) and _meet(first, second, state):
                if first.action.index not in present:
                    return _violation(DATA_RACE, first, second, preempted=True)
                ordered = sorted((first, second), key=lambda touch: touch.action.index)
                return _violation(DATA_RACE, *ordered)
        return None

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


def _violation(name: str, first: _Touch, second: _Touch, *, preempted: bool = False) -> Violation:
    one, other = first.action.transition, second.action.transition
    return meeting(name, (one, first.access), (other, second.access), preempted=preempted)


def meeting(
    name: str,
    first: tuple[Transition, Access],
    second: tuple[Transition, Access],
    *,
    preempted: bool = False,
) -> Violation:
    """What a race of two accesses is called and how it is told.

    `preempted`: the first is of a context that stands there and is kept from going on.
    """
    (one, access), (other, access_of_other) = first, second
    where = access.location
    if name == DATA_RACE and preempted:
        detail = (
            f"{other.context} ({other.name}, {access_of_other.kind.value}) can touch {where} while "
            f"{one.context} is preempted right before it does ({one.name}, {access.kind.value})"
        )
    elif name == DATA_RACE:
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
