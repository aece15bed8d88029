"""The oracle: what a machine means, by sets and fixpoints, as plainly as it can be said.

Nothing here is shared with the explorers. A state is a dictionary, expressions are evaluated by
walking them, and the whole graph is made before anything is judged.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from typing import TypeAlias, assert_never

from dirql.model.domain import Value
from dirql.model.expr import (
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
from dirql.model.machine import MODEL_BOUND, Access, AccessKind, Machine, Span, Transition

State: TypeAlias = tuple[Value, ...]
Names: TypeAlias = dict[str, Value]

Comparison: TypeAlias = Callable[[Value, Value], bool]
Comparisons: TypeAlias = dict[str, Comparison]

COMPARISONS: Comparisons = {
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: int(a) < int(b),
    "<=": lambda a, b: int(a) <= int(b),
}
OPERATIONS: dict[str, Callable[[int, int], int]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "//": lambda a, b: a // b,
    "%": lambda a, b: a % b,
    "&": lambda a, b: a & b,
    "|": lambda a, b: a | b,
    "^": lambda a, b: a ^ b,
    "<<": lambda a, b: a * 2**b,
    ">>": lambda a, b: a // 2**b,
}


def value_of(expression: Expression, state: Names, comparisons: Comparisons = COMPARISONS) -> Value:
    """The value of `expression` in `state`."""
    match expression:
        case Constant(value):
            return value
        case Read(variable):
            return state[variable]
        case Not(operand):
            return not value_of(operand, state, comparisons)
        case And(operands):
            return all(value_of(item, state, comparisons) for item in operands)
        case Or(operands):
            return any(value_of(item, state, comparisons) for item in operands)
        case Compare(operator, left, right):
            return comparisons[operator](
                value_of(left, state, comparisons), value_of(right, state, comparisons)
            )
        case Arithmetic(operator, left, right):
            numbers = (
                int(value_of(left, state, comparisons)),
                int(value_of(right, state, comparisons)),
            )
            return OPERATIONS[operator](*numbers)
        case IfThenElse(condition, then, otherwise):
            return value_of(
                then if value_of(condition, state, comparisons) else otherwise, state, comparisons
            )
        case Member(operand, values):
            return value_of(operand, state, comparisons) in list(values)
        case Select(index, items):
            by_index = dict(enumerate(items))
            chosen = by_index.get(int(value_of(index, state, comparisons)), items[-1])
            return value_of(chosen, state, comparisons)
        case _:
            assert_never(expression)


@dataclass(frozen=True)
class Found:
    """One violation: where it is, what it is.

    `order` is the rank among findings at one distance: invariants, then checks, by index.
    """

    distance: int
    order: tuple[int, int, int]
    property: str
    state: State
    opaque: bool = False
    while_expanding: bool = False


@dataclass(frozen=True)
class Answer:
    """What an engine must answer.

    `clean` and `opaque`: whether some shortest trace takes no opaque transition, or takes one.
    """

    kind: str
    property: str
    length: int
    clean: bool
    opaque: bool
    states: int
    transitions: int
    depth: int
    complete: bool
    taken: frozenset[int]


class Oracle:
    """The whole graph of a machine."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.names = [variable.name for variable in machine.variables]
        self.levels: list[set[State]] = []
        self.edges: set[tuple[State, int, State]] = set()
        level = set(product(*(variable.initial for variable in machine.variables)))
        while level:
            self.levels.append(level)
            new = {
                (s, i, self.after(machine.transitions[i], s)) for s in level for i in self.moves(s)
            }
            self.edges |= new
            level = {target for _, _, target in new} - set().union(*self.levels)

    def named(self, state: State) -> Names:
        """`state` with the names of its variables."""
        return dict(zip(self.names, state, strict=True))

    def holds(self, expression: Expression, state: State) -> bool:
        """Whether the condition is true in `state`."""
        return value_of(expression, self.named(state)) is True

    def guarded(self, transition: Transition, state: State) -> bool:
        """Whether the guard of `transition` holds, whatever its scheduling."""
        return all(self.holds(atom, state) for atom in transition.guard)

    def enabled(self, state: State) -> set[int]:
        """The transitions enabled in `state`."""
        return {
            index
            for index, item in enumerate(self.machine.transitions)
            if self.guarded(item, state) and all(self.holds(a, state) for a in item.scheduling)
        }

    def moves(self, state: State) -> set[int]:
        """The transitions that can be taken in `state` without breaking a check."""
        return {
            index
            for index in self.enabled(state)
            if all(self.holds(c.condition, state) for c in self.machine.transitions[index].checks)
        }

    def after(self, transition: Transition, state: State) -> State:
        """The state after `transition`."""
        before = self.named(state)
        new = {name: value_of(value, before) for name, value in transition.updates}
        return tuple((before | new).values())

    def quiescent(self, state: State) -> bool:
        """Whether only spontaneous transitions are enabled in `state`."""
        return all(self.machine.transitions[index].spontaneous for index in self.enabled(state))

    def reachable(self) -> frozenset[State]:
        """All states."""
        return frozenset[State]().union(*self.levels)

    def first_kind(self) -> Iterator[Found]:
        """All broken invariants and rule checks."""
        for distance, level in enumerate(self.levels):
            for state in level:
                for index, item in enumerate(self.machine.invariants):
                    if not self.holds(item.condition, state) and (
                        not item.quiescent or self.quiescent(state)
                    ):
                        late = item.quiescent
                        rank = (0, index, 0)
                        yield Found(distance, rank, item.property, state, while_expanding=late)
                for index in self.enabled(state):
                    for number in self.broken(index, state):
                        step = self.machine.transitions[index]
                        name = step.checks[number].property
                        if name != MODEL_BOUND:
                            rank = (1, index, number)
                            yield Found(distance + 1, rank, name, state, bool(step.opaque))

    def broken(self, index: int, state: State) -> list[int]:
        """The checks that transition `index` breaks in `state`."""
        checks = self.machine.transitions[index].checks
        return [n for n, check in enumerate(checks) if not self.holds(check.condition, state)]

    def bounds(self) -> Iterator[Found]:
        """All steps that run into a limit of the model."""
        for distance, level in enumerate(self.levels):
            for state in level:
                for index in self.enabled(state):
                    checks = self.machine.transitions[index].checks
                    if any(checks[n].property == MODEL_BOUND for n in self.broken(index, state)):
                        yield Found(distance + 1, (0, 0, 0), MODEL_BOUND, state)

    def stuck(self) -> Iterator[Found]:
        """The states that violate the first violated progress condition."""
        for item in self.machine.progress:
            hopeful = {
                state
                for state in self.reachable()
                if self.holds(item.goal, state) or (item.quiescent and self.quiescent(state))
            }
            while True:
                more = {
                    source
                    for source, index, target in self.edges
                    if target in hopeful and self.counts(index, owed=item.owed)
                } - hopeful
                if not more:
                    break
                hopeful |= more
            lost = {s for s in self.reachable() - hopeful if self.holds(item.live, s)}
            for distance, level in enumerate(self.levels):
                for state in level & lost:
                    yield Found(distance, (0, 0, 0), item.property, state)
            if lost:
                return

    def counts(self, index: int, *, owed: bool) -> bool:
        """Whether a step leads on where progress is judged, by `owed` steps alone or by any."""
        step = self.machine.transitions[index]
        return not step.lucky and not (owed and step.spontaneous)

    def races(self) -> Iterator[Found]:
        """All states with a race that is asked."""
        for distance, level in enumerate(self.levels):
            for state in level:
                for rank, name in enumerate(("data-race", "torn-read-modify-write")):
                    if name in self.machine.races and self.race(name, state):
                        yield Found(distance, (rank, 0, 0), name, state)

    def race(self, name: str, state: State) -> bool:
        """Whether there is a race of this kind in `state`."""
        enabled = [self.machine.transitions[index] for index in self.enabled(state)]
        if name == "torn-read-modify-write":
            return any(
                self.holds(span.between, state) and self.torn(span, other, state)
                for span in self.machine.spans
                for other in enabled
                if other.context != span.context
            )
        return any(
            conflict(a, b) and self.same_element(a, b, state)
            for one in self.machine.transitions
            if self.guarded(one, state)
            for other in enabled
            if other.context != one.context
            for a, b in product(one.accesses, other.accesses)
        )

    def torn(self, span: Span, other: Transition, state: State) -> bool:
        """Whether a write of `other` would be lost between read and write."""
        return any(
            writes(access)
            and access.location == span.location
            and self.same_element(span, access, state)
            and (
                self.holds(access.changes, state)
                or (span.any_write and access.kind != AccessKind.INTERLOCKED)
            )
            for access in other.accesses
        )

    def same_element(self, one: Access | Span, other: Access, state: State) -> bool:
        """Whether two accesses to one location have the same index, or one has none."""
        if one.index is None or other.index is None:
            return True
        names = self.named(state)
        return value_of(one.index, names) == value_of(other.index, names)

    def answer(self) -> Answer:
        """What an engine must answer, by the order of judgement."""
        first = sorted(self.first_kind(), key=lambda found: (found.distance, found.order))
        if first:
            distance = first[0].distance
            early = any(f.distance == distance and not f.while_expanding for f in first)
            return self._answer("violated", first, distance if early else distance + 1)
        bounds = sorted(self.bounds(), key=lambda found: found.distance)
        everything = len(self.levels)
        if bounds:
            races = sorted(self.races(), key=lambda found: (found.distance, found.order))
            return self._answer("violated" if races else "unknown", races or bounds, everything)
        later = list(self.stuck()) or list(self.races())
        later.sort(key=lambda found: (found.distance, found.order))
        if later:
            return self._answer("violated", later, everything)
        return self._answer("holds", [], everything)

    def _answer(self, kind: str, found: list[Found], expanded: int) -> Answer:
        """The answer when `expanded` levels were expanded."""
        best = [
            item
            for item in found
            if (item.distance, item.order) == (found[0].distance, found[0].order)
        ]
        opacity = self.opacities()
        seen = self.levels[: expanded + 1]
        inside = set[State]().union(*self.levels[:expanded])
        enabled = [self.enabled(state) for state in inside]
        return Answer(
            kind=kind,
            property=best[0].property if best else "",
            length=best[0].distance if best else 0,
            clean=any(not item.opaque and False in opacity[item.state] for item in best),
            opaque=any(item.opaque or True in opacity[item.state] for item in best),
            states=sum(map(len, seen)),
            transitions=sum(map(len, enabled)),
            depth=len(seen) - 1,
            complete=expanded >= len(self.levels),
            taken=frozenset[int]().union(*enabled),
        )

    def opacities(self) -> dict[State, set[bool]]:
        """Whether shortest ways to a state take an opaque transition: yes, no, or both happen."""
        ways = {state: {False} for state in self.levels[0]}
        for level in self.levels[1:]:
            known = set(ways)
            for source, index, target in self.edges:
                if target in level and source in known:
                    opaque = bool(self.machine.transitions[index].opaque)
                    ways.setdefault(target, set()).update(way or opaque for way in ways[source])
        return ways


def writes(access: Access) -> bool:
    """Whether it changes the location."""
    return access.kind in (
        AccessKind.PLAIN_WRITE,
        AccessKind.VOLATILE_WRITE,
        AccessKind.INTERLOCKED,
    )


def conflict(one: Access, other: Access) -> bool:
    """Whether nothing orders the two; a plain read beside interlocked accesses is only advised."""
    advised = (AccessKind.PLAIN_READ, AccessKind.INTERLOCKED)
    return (
        one.location == other.location
        and plain(one)
        and (writes(one) or writes(other))
        and (one.kind, other.kind) != advised
    )


def plain(access: Access) -> bool:
    """Whether it is neither volatile nor interlocked."""
    return access.kind in (AccessKind.PLAIN_READ, AccessKind.PLAIN_WRITE)
