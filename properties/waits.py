"""Who waits for whom: the wait-for relation over spin locks, as expressions over states.

A context that stands at a point about to take a spin lock can only go on once the lock is free
(6.2.6), and keeps its processor meanwhile (1.3.8). A context that stands below another one on
the same processor cannot run before that one has finished (1.3.2). Where such a chain of "cannot
go on before" closes, nobody in it ever moves again: each expression here describes states that
no later step can repair.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from itertools import permutations

from dirql.model.algebra import conjunction, disjunction, equal, member
from dirql.model.domain import Enumeration
from dirql.model.expr import FALSE, Constant, Expression, IfThenElse, Read, Select
from dirql.model.kernel.levels import DISPATCH_LEVEL
from dirql.model.machine import Context
from dirql.model.system import LockFacts, Point, System

NONE = "none"
"""The label of no processor and of no lock owner."""


@dataclass(frozen=True, slots=True)
class Deadlock:
    """States that can never be left: who waits, for which lock (if it is one), and the states.

    `asleep`: all of them wait below DISPATCH_LEVEL, so no processor spins.
    """

    contexts: tuple[str, ...]
    lock: str
    holds: Expression
    asleep: bool = False


@dataclass(frozen=True, slots=True)
class Party:
    """A context with its program points, split by what the wait-for relation asks of them."""

    context: Context
    points: tuple[Point, ...]

    @property
    def name(self) -> str:
        """The name of the context."""
        return self.context.name

    def at(self, points: Iterable[Point]) -> Expression:
        """The context stands at one of `points`."""
        return member(Read(self.context.counter), (point.label for point in points))

    def spins(self, lock: str = "") -> tuple[Point, ...]:
        """The points at which it is about to take `lock` (empty: any lock)."""
        return tuple(p for p in self.points if p.waits_for and lock in ("", p.waits_for))

    def waits_low(self) -> bool:
        """Whether it can be about to take a lock below DISPATCH_LEVEL: a fast mutex."""
        return any(point.irql < DISPATCH_LEVEL for point in self.spins())

    def spins_raised(self) -> bool:
        """Whether it can be about to take a lock at DISPATCH_LEVEL or above."""
        return any(point.irql >= DISPATCH_LEVEL for point in self.spins())

    def holds(self, lock: str) -> tuple[Point, ...]:
        """The points at which it owns `lock`."""
        return tuple(point for point in self.points if lock in point.held)


def parties(system: System) -> tuple[Party, ...]:
    """All contexts that have a program counter."""
    return tuple(
        Party(context, tuple(p for p in system.points if p.context == context.name))
        for context in system.machine.contexts
        if context.counter
    )


def recursions(system: System) -> Iterator[Deadlock]:
    """A context is about to take a lock that it owns."""
    for lock in system.locks:
        for party in parties(system):
            if party.spins(lock.name):
                yield Deadlock((party.name,), lock.name, _waits(party, lock, party))


def preemptions(system: System) -> Iterator[Deadlock]:
    """A context spins for a lock whose owner it has interrupted."""
    for lock in system.locks:
        for spinner, owner in permutations(parties(system), 2):
            stacked = _below(system, owner, lock, spinner, spinner.spins(lock.name))
            holds = conjunction(_waits(spinner, lock, owner), stacked)
            if holds != FALSE:
                yield Deadlock((spinner.name, owner.name), lock.name, holds)


def cycles(system: System) -> Iterator[Deadlock]:
    """Contexts spin, or wait for fast mutexes, each behind the next one.

    A spinner occupies its processor, so a cycle of spinners has at most as many of them as there
    are processors. Who waits for a mutex occupies none.
    """
    everyone = parties(system)
    behind = {
        (one.name, other.name): expression
        for one, other in permutations(everyone, 2)
        if (expression := _behind(system, one, other, everyone)) != FALSE
    }
    waiting = {party.name for party in everyone if party.waits_low()}
    names = tuple(party.name for party in everyone if party.spins())
    spinning = {party.name for party in everyone if party.spins_raised()}
    asleep = waiting - spinning
    room = len(_processors(system))
    for ring in _rings(names, behind):
        if len(ring) - len(waiting.intersection(ring)) <= room:
            edges = zip(ring, (*ring[1:], ring[0]), strict=True)
            holds = conjunction(*(behind[edge] for edge in edges))
            yield Deadlock(ring, "", holds, asleep=asleep.issuperset(ring))


def _rings(
    names: tuple[str, ...], behind: Collection[tuple[str, str]]
) -> Iterator[tuple[str, ...]]:
    """Every ring of two or more `names` along `behind`, each once, short ones first."""
    paths: list[tuple[str, ...]] = [(name,) for name in names]
    while paths:
        longer: list[tuple[str, ...]] = []
        for path in paths:
            first, last = path[0], path[-1]
            if first != last and (last, first) in behind:
                yield path
            longer += [
                (*path, name)
                for name in names[names.index(first) + 1 :]
                if name not in path and (last, name) in behind
            ]
        paths = longer


def _behind(
    system: System, spinner: Party, other: Party, everyone: tuple[Party, ...]
) -> Expression:
    """Both spin, `spinner` for a lock that is owned by `other` or by somebody stuck below it."""
    if not spinner.spins() or not other.spins():
        return FALSE
    ways: list[Expression] = []
    for lock in system.locks:
        if not spinner.spins(lock.name):
            continue
        for owner in everyone:
            if owner == other:
                behind = other.at(point for point in other.spins() if lock.name in point.held)
            elif owner != spinner:
                behind = _below(system, owner, lock, other, other.spins())
            else:
                continue
            if behind != FALSE:  # rare, and asked first: there are as many ways as triples
                ways.append(conjunction(_waits(spinner, lock, owner), behind))
    return disjunction(*ways)


def _waits(spinner: Party, lock: LockFacts, owner: Party) -> Expression:
    """`spinner` is about to take `lock`, which `owner` has; false where it never has it."""
    if not owner.holds(lock.name):
        return FALSE
    return conjunction(
        spinner.at(spinner.spins(lock.name)), equal(Read(lock.owner), Constant(owner.name))
    )


def _below(
    system: System, owner: Party, lock: LockFacts, above: Party, spins: tuple[Point, ...]
) -> Expression:
    """`owner` stands, holding `lock`, below `above`, which stands at one of its `spins`."""
    lowest = min((p.irql for p in owner.holds(lock.name)), default=DISPATCH_LEVEL)
    if all(point.irql <= lowest for point in spins):
        return FALSE
    ways = (
        conjunction(
            above.at(point for point in spins if point.irql == level),
            owner.at(p for p in owner.holds(lock.name) if DISPATCH_LEVEL <= p.irql < level),
        )
        for level in sorted({point.irql for point in spins})
    )
    stacked = disjunction(*ways)
    if stacked == FALSE:
        return FALSE
    return conjunction(stacked, same_processor(system, owner.context, above.context))


def same_processor(system: System, left: Context, right: Context) -> Expression:
    """Both contexts occupy one processor; false where it is plain that they never do."""
    common = labels_of(system, left.processor) & labels_of(system, right.processor) - {NONE}
    return disjunction(
        *(
            conjunction(
                equal(left.processor, Constant(label)), equal(right.processor, Constant(label))
            )
            for label in sorted(common)
        )
    )


def _processors(system: System) -> frozenset[str]:
    """The labels of all processors on which something can run."""
    found = (labels_of(system, context.processor) for context in system.machine.contexts)
    return frozenset[str]().union(*found) - {NONE}


def labels_of(system: System, expression: Expression) -> frozenset[str]:
    """The labels that an expression of an enumeration can have, as far as its form shows.

    Raises:
        TypeError: it has no labels.
    """
    match expression:
        case Constant(str(label)):
            return frozenset((label,))
        case Read(name):
            variable = next(item for item in system.machine.variables if item.name == name)
            domain = variable.domain
            return frozenset(domain.labels if isinstance(domain, Enumeration) else ())
        case IfThenElse(_, then, otherwise):
            return labels_of(system, then) | labels_of(system, otherwise)
        case Select(_, items):
            return frozenset[str]().union(*(labels_of(system, item) for item in items))
        case _:
            message = f"not a label: {expression}"
            raise TypeError(message)
