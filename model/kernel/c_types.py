"""C types of what crosses between a driver and Windows, and what crossing does to a value.

Values inside the driver are integers without bounds, or names of objects and routines. Windows
takes and gives C types, so a value becomes one where it crosses: the answer of a routine that
Windows called, an argument of a kernel routine, a member of a structure. `cross` is that place.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from ..algebra import arithmetic, if_then_else, interval, less
from ..domain import Range
from ..expr import Constant, Expression
from ..inspection import is_integer
from ..routine import NULL

WORD = 1 << 32
"""How many values a 32-bit integer has."""


@dataclass(frozen=True, slots=True)
class CType:
    """A C type: an integer from `low` to `high`, or, where `pointer`, an address.

    An address is the name of an object or routine, or `NULL`. `number_too` is for `PVOID`, which
    drivers also give numbers (in C with a cast).
    """

    name: str
    low: int = 0
    high: int = 0
    pointer: bool = False
    number_too: bool = False

    @property
    def size(self) -> int:
        """How many values the type has."""
        return self.high - self.low + 1

    def holds(self, value: int) -> bool:
        """Whether `value` is one of the type."""
        return self.low <= value <= self.high

    def converted(self, value: int) -> int:
        """The value of the type with the same low bits, as C converts it."""
        return (value - self.low) % self.size + self.low


BOOLEAN = CType("BOOLEAN", 0, 0xFF)
"""An unsigned char: 0x100 becomes FALSE, and 2 stays 2."""
KIRQL = CType("KIRQL", 0, 0xFF)
CCHAR = CType("CCHAR", -0x80, 0x7F)
LONG = CType("LONG", -0x80000000, 0x7FFFFFFF)
NTSTATUS = CType("NTSTATUS", -0x80000000, 0x7FFFFFFF)
"""A signed long: 0xC0000001 is negative, and so a failure."""
ULONG = CType("ULONG", 0, 0xFFFFFFFF)
POINTER = CType("a pointer", pointer=True)
PVOID = CType("PVOID", pointer=True, number_too=True)
VOID = CType("VOID")
"""Nothing: nobody looks at such a result."""


class CrossingError(Exception):
    """A value that no C type of this kind can be made of; the message says which."""


def cross(kind: CType, value: Expression, domains: Mapping[str, Range]) -> Expression:
    """`value` as a C variable of type `kind` holds it.

    Windows: as C converts: what does not fit an integer type loses its high bits; 0 is NULL.
    Model: a value that fits stays the expression it was, so that nothing changes where nothing has
        to be converted.

    Parameters:
        kind: the type on the other side.
        value: an expression over variables of the machine.
        domains: the domains of the variables that it reads.

    Raises:
        CrossingError: an address is given for a number, or a number for an address.
    """
    if kind is VOID:
        return Constant(0)
    if isinstance(value, Constant) and isinstance(value.value, str):
        if kind.pointer:
            return value
        if value.value == NULL:
            return Constant(0)
        raise CrossingError(f"{value.value} is an address")
    if kind.pointer:
        return _address(kind, value)
    if isinstance(value, Constant):
        return Constant(kind.converted(int(value.value)))
    bounds = interval(value, domains)
    if kind.holds(bounds.low) and kind.holds(bounds.high):
        return value
    shifted = arithmetic("-", value, Constant(kind.low))
    low_bits = arithmetic("&", shifted, Constant(kind.size - 1))
    return arithmetic("+", low_bits, Constant(kind.low))


def _address(kind: CType, value: Expression) -> Expression:
    """A number where an address is wanted."""
    if isinstance(value, Constant) and value.value == 0:
        return Constant(NULL)
    if kind.number_too:
        return value
    shown = value.value if isinstance(value, Constant) and is_integer(value.value) else "a number"
    raise CrossingError(f"{shown} is given where an address is wanted")


def signed_as(bounds: Range, value: Expression, domains: Mapping[str, Range]) -> Expression:
    """A 32-bit number read with or without a sign, as the variable with these bounds has one.

    A variable with negative values has, one that reaches beyond a signed long has not; what the
    variable holds anyhow stays as it is.
    """
    possible = interval(value, domains)
    if bounds.low < 0 and bounds.high <= LONG.high < possible.high <= ULONG.high:
        lower = arithmetic("-", value, Constant(WORD))
        return if_then_else(less(Constant(LONG.high), value), lower, value)
    if bounds.low >= 0 and bounds.high > LONG.high and LONG.low <= possible.low < 0:
        higher = arithmetic("+", value, Constant(WORD))
        return if_then_else(less(value, Constant(0)), higher, value)
    return value
