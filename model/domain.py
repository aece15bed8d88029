"""Finite domains: the values a variable may hold.

Every domain is finite, so every machine has finitely many states. Values are plain Python values
(`bool`, `int`, `str`), which keeps dumps, traces and tests readable without a decoder.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias, assert_never

Value: TypeAlias = bool | int | str


@dataclass(frozen=True, slots=True)
class Boolean:
    """The domain of `False` and `True`."""


@dataclass(frozen=True, slots=True)
class Range:
    """The integers from `low` to `high`, both included."""

    low: int
    high: int


@dataclass(frozen=True, slots=True)
class Enumeration:
    """Named values. Two enumerations compare only when their names are equal.

    The names `processor` and `context` are reserved for identities of processors and contexts;
    a symmetry reduction may permute those and nothing else.
    """

    name: str
    labels: tuple[str, ...]


Domain: TypeAlias = Boolean | Range | Enumeration

PROCESSOR = "processor"
CONTEXT = "context"


def contains(domain: Domain, value: Value) -> bool:
    """Say whether `value` belongs to `domain`; `True` is not the integer 1 here."""
    match domain:
        case Boolean():
            return isinstance(value, bool)
        case Range(low, high):
            return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high
        case Enumeration(_, labels):
            return isinstance(value, str) and value in labels
        case _:
            assert_never(domain)


def values(domain: Domain) -> Iterator[Value]:
    """All values of `domain`, in its fixed order."""
    match domain:
        case Boolean():
            yield from (False, True)
        case Range(low, high):
            yield from range(low, high + 1)
        case Enumeration(_, labels):
            yield from labels
        case _:
            assert_never(domain)


def describe(domain: Domain) -> str:
    """`domain` as a reader would write it: `bool`, `0..7`, `{none, P0}`."""
    match domain:
        case Boolean():
            return "bool"
        case Range(low, high):
            return f"{low}..{high}"
        case Enumeration(name, labels):
            return f"{name} {{{', '.join(labels)}}}"
        case _:
            assert_never(domain)
