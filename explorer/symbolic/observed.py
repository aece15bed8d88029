"""What reachable states have in common: the source of guesses for a proof.

A *cube* gives some variables a set of values each; it describes every state in which all of them
have one of theirs. A cube that no reachable state is in can be claimed never to be entered. The
smaller its variables and the larger its sets, the more the claim says.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from itertools import combinations
from typing import TypeAlias

from dirql.model.algebra import disjunction, member, negation
from dirql.model.domain import Domain, Enumeration, Range, Value, values
from dirql.model.expr import Expression, Read
from dirql.model.machine import Invariant, Machine
from dirql.model.validation import MachineError

from ..engine import Limits
from ..evaluate import Evaluator, State
from ..reference import reachable

Cube: TypeAlias = tuple[tuple[int, tuple[Value, ...]], ...]
"""(place of a variable in a state, its values) pairs."""

LEMMA = "lemma"
"""The name that guessed claims carry; it is not a property anyone can break."""

_SMALL = 3
"""Cubes of up to so many variables are looked for before larger ones are made smaller."""


_MOST_VALUES = 4096
"""Domains of more values are not listed: of those only the values seen are known by name."""

_OTHERS = "any other value"
"""Stands for the values of such a domain that no reachable state has."""


class Observed:
    """All reachable states of a machine, as one set of states for each value of each variable."""

    def __init__(self, machine: Machine, states: Sequence[State]) -> None:
        """Remember `states`, all that `machine` can reach."""
        self._variables = machine.variables
        self._evaluator = Evaluator(machine)
        self._states = frozenset(states)
        self._everything = (1 << len(states)) - 1
        self._where: list[dict[Value, int]] = [
            _positions(item.domain, [state[slot] for state in states])
            for slot, item in enumerate(machine.variables)
        ]
        self._order = sorted(range(len(machine.variables)), key=self._rank)

    def __contains__(self, state: State) -> bool:
        return state in self._states

    def agree(self, claim: Invariant) -> bool:
        """Whether `claim` holds in all of the states."""
        holds = self._evaluator.value(claim.condition)
        return all(holds(state) for state in self._states)

    def never(self, state: State) -> Invariant:
        """The claim that `state`, which is not reachable, and others like it never come about."""
        cube = self._widened(self._cube(state))
        text = " and ".join(self._described(slot, allowed) for slot, allowed in cube)
        parts = (self._outside(slot, allowed) for slot, allowed in cube)
        return Invariant(LEMMA, disjunction(*parts), f"never {text}")

    def _outside(self, slot: int, allowed: tuple[Value, ...]) -> Expression:
        """That the variable has none of the `allowed` values."""
        read = Read(self._variables[slot].name)
        inside = {*allowed}
        if _OTHERS not in inside:
            return negation(member(read, allowed))
        return member(read, (value for value in self._where[slot] if value not in inside))

    def _named(self, slot: int, value: Value) -> Value:
        """`value`, or what stands for it."""
        return value if value in self._where[slot] else _OTHERS

    def _rank(self, slot: int) -> int:
        """Which variables explain best: where a context is, who owns what, then data."""
        domain = self._variables[slot].domain
        if not isinstance(domain, Enumeration):
            return 2
        return 1 if domain.name in ("context", "processor") else 0

    def _cube(self, state: State) -> Cube:
        """A cube with `state` and no reachable state, of as few variables as is easily found."""
        where = [self._where[slot][self._named(slot, state[slot])] for slot in self._order]
        for size in range(1, _SMALL + 1):
            for places in combinations(range(len(where)), size):
                common = self._everything
                for place in places:
                    common &= where[place]
                if not common:
                    return tuple(self._single(self._order[p], state) for p in places)
        cube: Cube = tuple(self._single(slot, state) for slot in self._order)
        for item in reversed(cube):
            rest = tuple(other for other in cube if other != item)
            if not self._common(rest):
                cube = rest
        return cube

    def _single(self, slot: int, state: State) -> tuple[int, tuple[Value, ...]]:
        return slot, (self._named(slot, state[slot]),)

    def _widened(self, cube: Cube) -> Cube:
        """`cube` with every further value that lets no reachable state in."""
        for position, (slot, _) in enumerate(cube):
            others = self._common(item for item in cube if item[0] != slot)
            allowed = tuple(
                value for value, where in self._where[slot].items() if not where & others
            )
            cube = (*cube[:position], (slot, allowed), *cube[position + 1 :])
        return cube

    def _common(self, cube: Iterable[tuple[int, tuple[Value, ...]]]) -> int:
        """The reachable states in `cube`."""
        found = self._everything
        for slot, allowed in cube:
            there = 0
            for value in allowed:
                there |= self._where[slot][value]
            found &= there
        return found

    def _described(self, slot: int, allowed: tuple[Value, ...]) -> str:
        inside = {*allowed}
        others = [value for value in self._where[slot] if value not in inside]
        name = self._variables[slot].name
        if len(others) < len(allowed) or _OTHERS in inside:
            return f"{name} not in {{{', '.join(map(str, others))}}}"
        return f"{name} in {{{', '.join(map(str, allowed))}}}"


def _wide(domain: Domain) -> bool:
    return isinstance(domain, Range) and domain.high - domain.low >= _MOST_VALUES


def _positions(domain: Domain, column: Sequence[Value]) -> dict[Value, int]:
    """For each value of `domain`, the set of places at which it stands in `column`, as bits.

    Of a wide one, for each value of `column`, in order, and for what stands for all others.
    """
    listed = (*sorted({*column}), _OTHERS) if _wide(domain) else values(domain)
    places: dict[Value, list[int]] = {value: [] for value in listed}
    for place, value in enumerate(column):
        places[value].append(place)
    return {value: _bits(found) for value, found in places.items()}


def _bits(places: Sequence[int]) -> int:
    """The number whose binary digits at `places` are one."""
    digits = bytearray(places[-1] // 8 + 1 if places else 0)
    for place in places:
        digits[place // 8] |= 1 << place % 8
    return int.from_bytes(digits, "little")


def observed(machine: Machine, most: int) -> Observed | None:
    """The reachable states of `machine`, if there are fewer than `most` and no step overflows."""
    plain = replace(machine, invariants=(), progress=(), races=())
    try:
        states = reachable(plain, Limits(states=most))
    except MachineError:
        return None
    if len(states) >= most or _too_many(plain, states):
        return None
    return Observed(plain, tuple(states))


def _too_many(machine: Machine, states: Collection[State]) -> bool:
    """Whether a variable has so many values, of even more, that no guess could name them."""
    wide = [slot for slot, item in enumerate(machine.variables) if _wide(item.domain)]
    return any(len({state[slot] for state in states}) > _MOST_VALUES for slot in wide)
