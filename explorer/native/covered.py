"""What a search has accepted so far: the sum over all levels that are closed."""

from dataclasses import dataclass, field
from typing import TypeAlias

from .codec import Words
from .space import Space

PackedRace: TypeAlias = tuple[int, str, Words]


@dataclass(slots=True)
class Covered:
    """Numbers and findings of the levels that are closed and expanded.

    Attributes:
        transitions: steps computed.
        expanded: states expanded.
        depth: the level of the states found last.
        taken: the transitions that were enabled somewhere.
        races: the first of each kind: level, property and the number of the state.
        bound: the number of the first state from which a limit of the model is broken.
    """

    transitions: int = 0
    expanded: int = 0
    depth: int = 0
    taken: frozenset[int] = frozenset()
    races: list[tuple[int, str, int]] = field(default_factory=list[tuple[int, str, int]])
    bound: int | None = None


@dataclass(frozen=True, slots=True)
class Portable:
    """The same with packed states instead of numbers, which change when states move."""

    transitions: int = 0
    expanded: int = 0
    depth: int = 0
    taken: tuple[int, ...] = ()
    races: tuple[PackedRace, ...] = ()
    bound: Words | None = None


def portable(covered: Covered, space: Space) -> Portable:
    """`covered`, whose numbers are those of `space`."""
    return Portable(
        covered.transitions,
        covered.expanded,
        covered.depth,
        tuple(sorted(covered.taken)),
        tuple((level, name, space.words(number)) for level, name, number in covered.races),
        None if covered.bound is None else space.words(covered.bound),
    )


def settled(found: Portable, space: Space) -> Covered:
    """`found` with the numbers that its states have in `space`."""
    return Covered(
        found.transitions,
        found.expanded,
        found.depth,
        frozenset(found.taken),
        [(level, name, space.find(words)) for level, name, words in found.races],
        None if found.bound is None else space.find(found.bound),
    )
