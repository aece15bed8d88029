"""States as bits: where each variable lies in the 64-bit words of a packed state.

A variable takes as many bits as its domain needs, and none if there is but one value. No field
straddles two words. A boolean is stored as 0 or 1, a number as its distance from the lowest value,
a label as its place among the labels of its enumeration.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import TypeAlias, assert_never

from dirql.model.domain import Boolean, Domain, Enumeration, Range, Value
from dirql.model.machine import Machine, Variable

from ..engine import BeyondEngineError
from ..evaluate import State

WORD = 64
"""Bits in a word."""

Words: TypeAlias = tuple[int, ...]
"""A packed state: unsigned words, as many as the layout says."""


class NotCompilableError(BeyondEngineError):
    """A state of the machine cannot be packed into words; the message says why."""


@dataclass(frozen=True, slots=True)
class Field:
    """The place of a variable: `bits` bits of word `word`, from bit `offset` up.

    Attributes:
        variable: whose place it is.
        labels: the labels that its numbers stand for, if its domain is an enumeration.
        base: the number that zero stands for.
    """

    variable: Variable
    word: int
    offset: int
    bits: int
    labels: tuple[str, ...] = ()
    base: int = 0

    @property
    def mask(self) -> int:
        """The largest number that fits."""
        return (1 << self.bits) - 1

    def encode(self, value: Value) -> int:
        """The number that stands for `value`."""
        if isinstance(value, str):
            return self.labels.index(value)
        return value - self.base

    def decode(self, number: int) -> Value:
        """The value that `number` stands for."""
        match self.variable.domain:
            case Boolean():
                return bool(number)
            case Range():
                return number + self.base
            case Enumeration():
                return self.labels[number]
            case _:
                assert_never(self.variable.domain)


class Layout:
    """The fields of a machine, in the order of its variables.

    Attributes:
        fields: one for each variable.
        words: how many words a state takes; at least one.
        by_name: the same fields by the names of their variables.
    """

    def __init__(self, machine: Machine) -> None:
        """Place the variables of `machine`, each in the first word with room for it.

        Raises:
            NotCompilableError: a variable has more than 2**64 values.
        """
        used = [0]
        self.fields = tuple(self._place(variable, used) for variable in machine.variables)
        self.words = len(used)
        self.by_name: Mapping[str, Field] = {item.variable.name: item for item in self.fields}

    def _place(self, variable: Variable, used: list[int]) -> Field:
        domain = variable.domain
        bits = (_size(domain) - 1).bit_length()
        if bits > WORD:
            raise NotCompilableError(f"variable {variable.name!r} has more than 2**{WORD} values")
        word = next((number for number, taken in enumerate(used) if taken + bits <= WORD), None)
        if word is None:
            word = len(used)
            used.append(0)
        offset = used[word] if bits else 0
        used[word] += bits
        match domain:
            case Enumeration(_, labels):
                return Field(variable, word, offset, bits, labels=labels)
            case Range(low):
                return Field(variable, word, offset, bits, base=low)
            case Boolean():
                return Field(variable, word, offset, bits)
            case _:
                assert_never(domain)

    def pack(self, state: State) -> Words:
        """`state` as words."""
        words = [0] * self.words
        for field, value in zip(self.fields, state, strict=True):
            words[field.word] |= field.encode(value) << field.offset
        return tuple(words)

    def unpack(self, words: Sequence[int]) -> State:
        """The state that `words` stand for."""
        return tuple(
            field.decode(words[field.word] >> field.offset & field.mask) for field in self.fields
        )

    def initial(self) -> Iterator[Words]:
        """The initial states, in the order in which the reference explorer makes them."""
        choices = [field.variable.initial for field in self.fields]
        fixed = list(self.pack(tuple(values[0] for values in choices)))
        free = [field for field in self.fields if len(field.variable.initial) > 1]
        for field in free:
            fixed[field.word] &= ~(field.mask << field.offset)
        for values in product(*(field.variable.initial for field in free)):
            words = fixed.copy()
            for field, value in zip(free, values, strict=True):
                words[field.word] |= field.encode(value) << field.offset
            yield tuple(words)


def _size(domain: Domain) -> int:
    match domain:
        case Boolean():
            return 2
        case Range(low, high):
            return high - low + 1
        case Enumeration(_, labels):
            return len(labels)
        case _:
            assert_never(domain)
