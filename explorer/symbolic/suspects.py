"""What can be wrong, as formulas over one moment: the findings a search looks for."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import permutations

from dirql.model.algebra import equal
from dirql.model.machine import MODEL_BOUND, Access, Machine, Transition

from ..races import DATA_RACE, TORN_UPDATE, may_race, may_tear, meeting, tearing, torn
from ..trace import Violation
from . import solver
from .encoding import Relation, broken
from .solver import Term


@dataclass(frozen=True, slots=True)
class Suspect:
    """A violation and the states in which it happens.

    Attributes:
        condition: over the moment `before` of the relation.
        violation: what is wrong there.
        step: the transition whose step is the violation; `None` when the state itself is.
    """

    condition: Term
    violation: Violation
    step: int | None = None


def broken_invariants(relation: Relation) -> list[Suspect]:
    """The invariants of the machine, in its order."""
    found: list[Suspect] = []
    for item in relation.machine.invariants:
        wrong = solver.negation(relation.before.truth(item.condition))
        if item.quiescent:
            wrong = solver.conjunction((wrong, relation.quiescent))
        violation = Violation(item.property, item.detail, item.bug_check, at_step=False)
        found.append(Suspect(wrong, violation))
    return found


def broken_checks(relation: Relation, *, bounds: bool = False) -> list[Suspect]:
    """The checks of all transitions in order: those of rules, or else the `bounds` of the model."""
    return [
        Suspect(
            broken(relation.before, transition, check),
            Violation(
                check.property,
                check.detail,
                check.bug_check,
                at_step=True,
                contexts=(transition.context,),
            ),
            index,
        )
        for index, transition in enumerate(relation.machine.transitions)
        for check in transition.checks
        if (check.property == MODEL_BOUND) == bounds
    ]


def races(relation: Relation) -> list[Suspect]:
    """The races the machine asks for, data races first."""
    asked = relation.machine.races
    return [
        *(_data_races(relation) if DATA_RACE in asked else ()),
        *(_torn_updates(relation) if TORN_UPDATE in asked else ()),
    ]


@dataclass(frozen=True, slots=True)
class _Touch:
    """One access of one transition."""

    index: int
    transition: Transition
    access: Access


def _touches(machine: Machine) -> list[_Touch]:
    return [
        _Touch(index, transition, access)
        for index, transition in enumerate(machine.transitions)
        for access in transition.accesses
    ]


def _data_races(relation: Relation) -> Iterator[Suspect]:
    """Each plain access where its context stands, with each that may come before it is done.

    Two plain accesses that are both enabled are told once, in the order of the machine.
    """
    for one, other in permutations(_touches(relation.machine), 2):
        apart = one.transition.context != other.transition.context
        if not apart or not may_race(one.access, other.access):
            continue
        stands = relation.before.all(one.transition.guard)
        here, there = (relation.actions[item.index].enabled for item in (one, other))
        waits = solver.conjunction((stands, solver.negation(here)))
        yield _race(relation, (one, other), (waits, there), preempted=True)
        if one.index < other.index or not may_race(other.access, one.access):
            pair = (one, other) if one.index < other.index else (other, one)
            yield _race(relation, pair, (here, there))


def _torn_updates(relation: Relation) -> Iterator[Suspect]:
    """Each update with each write by another context that it may lose."""
    for span in relation.machine.spans:
        for other in _touches(relation.machine):
            apart = span.context != other.transition.context
            if apart and may_tear(span, other.access):
                lost = relation.before.all(tearing(span, other.access))
                condition = solver.conjunction((lost, relation.actions[other.index].enabled))
                yield Suspect(condition, torn(span, other.transition))


def _race(
    relation: Relation,
    pair: tuple[_Touch, _Touch],
    conditions: tuple[Term, ...],
    *,
    preempted: bool = False,
) -> Suspect:
    one, other = pair
    indices = one.access.index, other.access.index
    same = solver.TRUE  # no index means all elements
    if indices[0] is not None and indices[1] is not None:
        same = relation.before.truth(equal(indices[0], indices[1]))
    violation = meeting(
        (one.transition, one.access), (other.transition, other.access), preempted=preempted
    )
    return Suspect(solver.conjunction((*conditions, same)), violation)
