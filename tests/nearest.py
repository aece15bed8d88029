"""The nearest violation by plain search: states are dictionaries, expressions are walked.

Faster than `oracle.py`, which makes the whole graph first: transitions are found by the program
counter that their guard asks for, and the search ends with the level of the first finding.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import product

from dirql.model.domain import Value
from dirql.model.expr import Compare, Constant, Expression, Read
from dirql.model.machine import MODEL_BOUND, Machine, Transition

from .oracle import Names, State, value_of


class Search:
    """A breadth-first search of a machine for the nearest broken check or invariant."""

    def __init__(self, machine: Machine) -> None:
        """Sort the transitions by where they start."""
        self.machine = machine
        self.names = [variable.name for variable in machine.variables]
        self.known: set[State] = set()
        self.starting: defaultdict[tuple[str, Value], list[Transition]] = defaultdict(list)
        self.anywhere: list[Transition] = []
        for item in machine.transitions:
            match item.guard[:1]:
                case (Compare("==", Read(name), Constant(value)),):
                    self.starting[name, value].append(item)
                case _:
                    self.anywhere.append(item)
        self.counters = sorted({name for name, _ in self.starting})

    def nearest(self) -> tuple[int, set[str]] | None:
        """How far the nearest finding is, and the names of all findings there."""
        level = [
            dict(zip(self.names, values, strict=True))
            for values in product(*(variable.initial for variable in self.machine.variables))
        ]
        self.known = {tuple(state.values()) for state in level}
        distance = 0
        broken: set[str] = set()
        while level:
            enabled = [self.enabled(state) for state in level]
            wrong = set(self.false_invariants(zip(level, enabled, strict=True)))
            if wrong or broken:
                return distance, wrong or broken
            following: list[Names] = []
            for state, steps in zip(level, enabled, strict=True):
                for step in steps:
                    failed = [c.property for c in step.checks if not value_of(c.condition, state)]
                    if failed:
                        broken.update(name for name in failed if name != MODEL_BOUND)
                        continue
                    after = self.after(step, state)
                    key = tuple(after.values())
                    if key not in self.known:
                        self.known.add(key)
                        following.append(after)
            level, distance = following, distance + 1
        return (distance, broken) if broken else None

    def enabled(self, state: Names) -> list[Transition]:
        """The transitions enabled in `state`."""
        found = list(self.anywhere)
        for name in self.counters:
            found += self.starting.get((name, state[name]), ())
        return [item for item in found if _all((*item.guard, *item.scheduling), state)]

    def false_invariants(self, states: Iterable[tuple[Names, list[Transition]]]) -> Iterator[str]:
        """The invariants that are false in one of the states."""
        for state, enabled in states:
            rest = all(item.spontaneous for item in enabled)
            for item in self.machine.invariants:
                if (rest or not item.quiescent) and not value_of(item.condition, state):
                    yield item.property

    def after(self, step: Transition, state: Names) -> Names:
        """The state after `step`."""
        return state | {name: value_of(value, state) for name, value in step.updates}


def _all(conditions: Iterable[Expression], state: Names) -> bool:
    return all(value_of(item, state) for item in conditions)
