"""C types of what crosses between a driver and Windows, and what crossing does to a value.

Values inside the driver are integers without bounds, or names of objects and routines. Windows
takes and gives C types, so a value becomes one where it crosses: the answer of a routine that
Windows called, an argument of a kernel routine, a member of a structure. `cross` is that place.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from ..algebra import arithmetic, if_then_else, interval, less
from ..domain import Domain, Enumeration, Range
from ..expr import Constant, Expression
from ..routine import NULL

WORD = 1 << 32
"""How many values a 32-bit integer has."""


@dataclass(frozen=True, slots=True)
class CType:
    """A C type: an integer from `low` to `high`, or, where `pointer`, an address.

    An address is the name of an object or routine, or `NULL`. `number_too` is for what also takes
    numbers here: a `PVOID`, which C casts to, and a time.
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


def _signed(name: str, bits: int) -> CType:
    return CType(name, -(1 << bits - 1), (1 << bits - 1) - 1)


def _unsigned(name: str, bits: int) -> CType:
    return CType(name, 0, (1 << bits) - 1)


BOOLEAN = _unsigned("BOOLEAN", 8)
"""An unsigned char: 0x100 becomes FALSE, and 2 stays 2."""
KIRQL = _unsigned("KIRQL", 8)
CCHAR = _signed("CCHAR", 8)
USHORT = _unsigned("USHORT", 16)
LONG = _signed("LONG", 32)
NTSTATUS = _signed("NTSTATUS", 32)
"""A signed long: 0xC0000001 is negative, and so a failure."""
ULONG = _unsigned("ULONG", 32)
KAFFINITY = _unsigned("KAFFINITY", 64)
SIZE_T = _unsigned("SIZE_T", 64)
POINTER = CType("a pointer", pointer=True)
PVOID = CType("PVOID", pointer=True, number_too=True)
PLARGE_INTEGER = CType("PLARGE_INTEGER", pointer=True, number_too=True)
"""A time passed by its address: 0 is NULL, any other number stands for a time."""
LARGE_INTEGER = CType("LARGE_INTEGER", pointer=True, number_too=True)
"""A time passed by value."""
VOID = CType("VOID")
"""Nothing: nobody looks at such a result."""

TIME = "LARGE_INTEGER(-1)"
ZERO_TIME = "LARGE_INTEGER(0)"
"""The address of a time: of some time, and of a time of zero."""


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
        if kind in (PLARGE_INTEGER, LARGE_INTEGER) and value.value not in (NULL, TIME, ZERO_TIME):
            raise CrossingError(f"{value.value} is no LARGE_INTEGER")
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


def in_field(domain: Domain, value: Expression, name: str) -> Expression:
    """`value` as the field called `name`, with values of `domain`, is given it: 0 may be NULL.

    Raises:
        CrossingError: the field holds numbers and is given an address, or the other way round, or
            it holds addresses of other objects.
    """
    match domain, value:
        case Enumeration(), Constant(0):
            return Constant(NULL)
        case Enumeration(labels=labels), Constant(str(label)):
            if label in labels:
                return value
            known = ", ".join(labels)
            raise CrossingError(f"{name} holds one of {known}, and is given {label}")
        case Enumeration(), _:  # what the driver knows as an address is a constant here
            raise CrossingError(f"{name} holds an address, and is given a number")
        case Range(), Constant(str(label)):
            raise CrossingError(f"{name} holds a number, and is given {label}, an address")
        case _:
            return value


def _address(kind: CType, value: Expression) -> Expression:
    """A number where an address is wanted; a `PVOID` keeps 0, which is as false as NULL."""
    if value == Constant(0) and kind not in (PVOID, LARGE_INTEGER):
        return Constant(NULL)
    if kind.number_too:
        return value
    shown = value.value if isinstance(value, Constant) else "what is given"
    raise CrossingError(f"{shown} is a number")


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
