"""Races: pairs of accesses that can meet in a state. `machine.Access` says which pairs."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from dirql.model.algebra import equal
from dirql.model.domain import Value
from dirql.model.expr import TRUE, Expression
from dirql.model.machine import Access, AccessKind, Machine, Span, Transition

from .evaluate import Evaluator, State
from .successors import Action
from .trace import Violation

DATA_RACE = "data-race"
TORN_UPDATE = "torn-read-modify-write"

WRITES = frozenset((AccessKind.PLAIN_WRITE, AccessKind.VOLATILE_WRITE, AccessKind.INTERLOCKED))
PLAIN = frozenset((AccessKind.PLAIN_READ, AccessKind.PLAIN_WRITE))


def may_race(first: Access, second: Access) -> bool:
    """Whether `first`, where its context stands, races with `second`, which is about to happen.

    A single aligned read beside interlocked writers is none: it sees the old value or the new one.
    """
    return (
        first.location == second.location
        and first.kind in PLAIN
        and (first.kind in WRITES or second.kind in WRITES)
        and not (first.kind is AccessKind.PLAIN_READ and second.kind is AccessKind.INTERLOCKED)
    )


def may_tear(span: Span, other: Access) -> bool:
    """Whether `other`, of another context, may be lost to the update that `span` is about."""
    return span.location == other.location and other.kind in WRITES


@dataclass(frozen=True, slots=True)
class _Touch:
    """One access of one transition; `element` gives the index it touches, if it has one."""

    action: Action
    access: Access
    element: Callable[[State], Value] | None


@dataclass(frozen=True, slots=True)
class _Tear:
    """A write that an update may lose, and when it does."""

    span: Span
    touch: _Touch
    lost: Callable[[State], bool]


class RaceSearch:
    """Looks for the races that a machine asks about, one state at a time."""

    def __init__(self, machine: Machine, evaluator: Evaluator, actions: list[Action]) -> None:
        """Keep the accesses that can be one half of a race at all."""
        touches = [
            _Touch(action, access, evaluator.value(access.index) if access.index else None)
            for action in actions
            for access in action.transition.accesses
        ]
        self._racing: dict[int, list[tuple[_Touch, _Touch]]] = {}
        self._tearing: dict[int, list[_Tear]] = {}
        for second in touches:
            context, number = second.action.transition.context, second.action.index
            for first in touches if DATA_RACE in machine.races else ():
                apart = first.action.transition.context != context
                if apart and may_race(first.access, second.access):
                    self._racing.setdefault(number, []).append((first, second))
            for span in machine.spans if TORN_UPDATE in machine.races else ():
                if span.context != context and may_tear(span, second.access):
                    lost = evaluator.all(tearing(span, second.access))
                    self._tearing.setdefault(number, []).append(_Tear(span, second, lost))

    def data_race(self, state: State, enabled: list[Action]) -> Violation | None:
        """The first data race of a transition of `enabled` in `state`.

        Where both are enabled they are told in the order of the machine.
        """
        present = {action.index for action in enabled}
        for first, second in _pairs(self._racing, enabled):
            if first.action.stands(state) and _meet(first, second, state):
                if first.action.index not in present:
                    return _violation(first, second, preempted=True)
                ordered = sorted((first, second), key=lambda touch: touch.action.index)
                return _violation(*ordered)
        return None

    def torn_update(self, state: State, enabled: list[Action]) -> Violation | None:
        """The first update in which a transition of `enabled` would be lost in `state`."""
        for action in enabled:
            for tear in self._tearing.get(action.index, ()):
                if tear.lost(state):
                    return torn(tear.span, action.transition)
        return None


def tearing(span: Span, write: Access) -> tuple[Expression, ...]:
    """What must hold for an enabled write of another context to be lost, as atoms."""
    same: Expression = TRUE  # no index means all elements
    if span.index is not None and write.index is not None:
        same = equal(span.index, write.index)
    return tuple(item for item in (span.between, same, span.loses(write)) if item != TRUE)


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


def _violation(first: _Touch, second: _Touch, *, preempted: bool = False) -> Violation:
    one, other = first.action.transition, second.action.transition
    return meeting((one, first.access), (other, second.access), preempted=preempted)


def meeting(
    first: tuple[Transition, Access], second: tuple[Transition, Access], *, preempted: bool = False
) -> Violation:
    """How a data race of two accesses is told.

    `preempted`: the first is of a context that stands there and is kept from going on.
    """
    (one, access), (other, access_of_other) = first, second
    where = access.location
    if preempted:
        detail = (
            f"{other.context} ({other.name}, {access_of_other.kind.value}) can touch {where} while "
            f"{one.context} is preempted right before it does ({one.name}, {access.kind.value})"
        )
    else:
        detail = (
            f"{one.context} ({one.name}, {access.kind.value}) and {other.context} "
            f"({other.name}, {access_of_other.kind.value}) can touch {where} at the same time"
        )
    contexts = (one.context, other.context)
    return Violation(DATA_RACE, detail, "", at_step=False, contexts=contexts)


def torn(span: Span, other: Transition) -> Violation:
    """How a torn update is told."""
    detail = (
        f"{other.context} ({other.name}) can write {span.location} between the read and the write "
        f"of an update by {span.context} ({span.name})"
    )
    contexts = (span.context, other.context)
    return Violation(TORN_UPDATE, detail, "", at_step=False, contexts=contexts)
