"""The meaning of a machine once more, as naively as can be: the judge of these tests."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any, TypeAlias, assert_never

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
WRITES = (AccessKind.PLAIN_WRITE, AccessKind.VOLATILE_WRITE, AccessKind.INTERLOCKED)
PLAIN = (AccessKind.PLAIN_READ, AccessKind.PLAIN_WRITE)
OPERATIONS: dict[str, Callable[[Any, Any], Value]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "//": lambda a, b: a // b,
    "%": lambda a, b: a % b,
    "&": lambda a, b: a & b,
    "|": lambda a, b: a | b,
    "^": lambda a, b: a ^ b,
    "<<": lambda a, b: a << b,
    ">>": lambda a, b: a >> b,
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
}


def evaluate(expression: Expression, state: Mapping[str, Value]) -> Value:
    match expression:
        case Constant(value):
            return value
        case Read(variable):
            return state[variable]
        case Not(operand):
            return not evaluate(operand, state)
        case And(operands):
            return all(evaluate(item, state) for item in operands)
        case Or(operands):
            return any(evaluate(item, state) for item in operands)
        case Compare(operator, left, right) | Arithmetic(operator, left, right):
            return OPERATIONS[operator](evaluate(left, state), evaluate(right, state))
        case IfThenElse(condition, then, otherwise):
            return evaluate(then if evaluate(condition, state) else otherwise, state)
        case Member(operand, values):
            return evaluate(operand, state) in values
        case Select(index, items):
            position = int(evaluate(index, state))
            return evaluate(items[position if 0 <= position < len(items) else -1], state)
        case _:
            assert_never(expression)


@dataclass(frozen=True)
class Finding:
    """The shortest violation: what, and after how many steps."""

    property: str
    steps: int


class Brute:
    """All reachable states of a machine, and what is wrong in them."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.names = [item.name for item in machine.variables]
        self.depth: dict[State, int] = {}
        self.broken: list[tuple[int, int, int, str]] = []
        self.successors: dict[State, set[State]] = {}
        self.reliable: dict[State, set[State]] = {}
        level = list(dict.fromkeys(product(*(item.initial for item in machine.variables))))
        distance = 0
        while level:
            following: dict[State, None] = {}
            for state in level:
                self.depth[state] = distance
            for state in level:
                self.reliable[state] = set()
                self.successors[state] = set(self._expand(state, distance))
                following.update(dict.fromkeys(self.successors[state]))
            level = [state for state in following if state not in self.depth]
            distance += 1

    def named(self, state: State) -> dict[str, Value]:
        return dict(zip(self.names, state, strict=True))

    def enabled(self, state: State) -> list[Transition]:
        here = self.named(state)
        return [
            item
            for item in self.machine.transitions
            if all(evaluate(atom, here) for atom in (*item.guard, *item.scheduling))
        ]

    def _expand(self, state: State, distance: int) -> Iterator[State]:
        here = self.named(state)
        for item in self.enabled(state):
            index = self.machine.transitions.index(item)
            wrong = [n for n, c in enumerate(item.checks) if not evaluate(c.condition, here)]
            for number in wrong:
                self.broken.append((distance + 1, index, number, item.checks[number].property))
            if not wrong:
                new = {name: evaluate(value, here) for name, value in item.updates}
                following = tuple((here | new).values())
                if not item.lucky:
                    self.reliable[state].add(following)
                yield following

    def quiescent(self, state: State) -> bool:
        return all(item.spontaneous for item in self.enabled(state))

    def finding(self) -> Finding | None:
        """The first violation of a rule or an invariant, as `explorer/engine.py` orders them."""
        keys = [
            (distance, 1, index, number, name)
            for distance, index, number, name in self.broken
            if name != MODEL_BOUND
        ]
        for number, item in enumerate(self.machine.invariants):
            keys += [
                (distance, 0, number, 0, item.property)
                for state, distance in self.depth.items()
                if not evaluate(item.condition, self.named(state))
                and (self.quiescent(state) or not item.quiescent)
            ]
        return Finding(min(keys)[-1], min(keys)[0]) if keys else None

    def stuck(self) -> Finding | None:
        """The first progress condition that fails, at its nearest state."""
        for item in self.machine.progress:
            good = {s for s in self.depth if evaluate(item.goal, self.named(s))}
            while more := {s for s in self.depth if s not in good and self.reliable[s] & good}:
                good |= more
            bad = [
                distance
                for state, distance in self.depth.items()
                if state not in good and evaluate(item.live, self.named(state))
            ]
            if bad:
                return Finding(item.property, min(bad))
        return None

    def race(self) -> Finding | None:
        """The nearest race, data races first."""
        found = [
            (distance, number, name)
            for state, distance in self.depth.items()
            for number, name in enumerate(("data-race", "torn-read-modify-write"))
            if name in self.machine.races and self.races_in(state, name)
        ]
        return Finding(min(found)[2], min(found)[0]) if found else None

    def stands(self, one: Transition, here: Mapping[str, Value]) -> bool:
        return all(evaluate(atom, here) for atom in one.guard)

    def races_in(self, state: State, name: str) -> bool:
        here, enabled = self.named(state), self.enabled(state)

        def same(a: Access | Span, b: Access) -> bool:
            return a.location == b.location and (
                a.index is None
                or b.index is None
                or evaluate(a.index, here) == evaluate(b.index, here)
            )

        for other in enabled:
            for b in other.accesses:
                for span in self.machine.spans if name != "data-race" else ():
                    lost = evaluate(b.changes, here) or (
                        span.any_write and b.kind is not AccessKind.INTERLOCKED
                    )
                    apart = span.context != other.context and b.kind in WRITES
                    if apart and lost and same(span, b) and evaluate(span.between, here):
                        return True
                for one in self.machine.transitions if name == "data-race" else ():
                    for a in one.accesses if one.context != other.context else ():
                        if not same(a, b) or a.kind not in PLAIN or not self.stands(one, here):
                            continue
                        advised = {a.kind, b.kind} == {
                            AccessKind.PLAIN_READ,
                            AccessKind.INTERLOCKED,
                        }
                        if (a.kind in WRITES or b.kind in WRITES) and not advised:
                            return True
        return False
