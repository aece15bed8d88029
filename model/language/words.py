"""Comparing 32-bit numbers as C does: 0xC000009A and STATUS_INSUFFICIENT_RESOURCES are equal.

A hexadecimal literal above 0x7FFFFFFF is unsigned in C, a status is signed, and locals here have no
type. So two numbers are equal when their 32 bits are; a comparison with such a literal is one of
unsigned numbers; and what is compared with 0 for its sign is signed, else C compilers warn.
"""

from collections.abc import Mapping

from ..algebra import (
    arithmetic,
    compare,
    conjunction,
    equal,
    if_then_else,
    interval,
    less,
    less_equal,
    member,
    negation,
)
from ..domain import Range
from ..expr import Arithmetic, Comparison, Constant, Expression, IfThenElse
from ..inspection import is_integer
from ..kernel.c_types import LONG, ULONG, WORD

_ZERO = Constant(0)
_HIGHEST = Constant(LONG.high)


def _known(expression: Expression) -> int | None:
    """The number that is written here, if it is one."""
    if isinstance(expression, Constant) and is_integer(expression.value):
        return int(expression.value)
    return None


def _other_sign(value: int) -> int | None:
    """The number with the same 32 bits that is read with the other sign, if there is one."""
    if LONG.low <= value < 0:
        return value + WORD
    if LONG.high < value <= ULONG.high:
        return value - WORD
    return None


def alike(value: int) -> tuple[int, ...]:
    """The numbers that are equal to `value` as 32-bit numbers."""
    other = _other_sign(value)
    return (value,) if other is None else (value, other)


def same(left: Expression, right: Expression) -> Expression:
    """`left == right`."""
    for one, another in ((left, right), (right, left)):
        known = _known(another)
        if known is not None and _other_sign(known) is not None:
            return member(one, alike(known))
    return equal(left, right)


def not_negative(value: Expression) -> Expression:
    """`value >= 0`, of a signed 32-bit number: what NT_SUCCESS asks."""
    return conjunction(less_equal(_ZERO, value), less_equal(value, _HIGHEST))


def before(left: Expression, right: Expression) -> Expression:
    """`left < right`."""
    if right == _ZERO:
        return negation(not_negative(left))
    if _beyond(left) or _beyond(right):
        return less(_unsigned(left), _unsigned(right))
    return less(left, right)


def not_after(left: Expression, right: Expression) -> Expression:
    """`left <= right`."""
    if left == _ZERO:
        return not_negative(right)
    if _beyond(left) or _beyond(right):
        return less_equal(_unsigned(left), _unsigned(right))
    return less_equal(left, right)


def _beyond(expression: Expression) -> bool:
    """Whether it is a literal that C takes for unsigned."""
    known = _known(expression)
    return known is not None and LONG.high < known <= ULONG.high


def _unsigned(expression: Expression) -> Expression:
    """A 32-bit number read without a sign; what is one already stays as it is."""
    match expression:
        case IfThenElse(_, Arithmetic("+", inner, Constant(value)), other) if (
            inner == other and value == WORD
        ):
            return expression
        case _:
            pass
    higher = arithmetic("+", expression, Constant(WORD))
    return if_then_else(less(expression, _ZERO), higher, expression)


def compared(
    domains: Mapping[str, Range], comparison: Comparison, left: Expression, right: Expression
) -> Expression:
    """`left comparison right`, once it is known what the locals of the driver hold.

    A number that comes through a local is the one that was written. Where no side is known, one
    that may be negative meets another beyond a signed long as C has it: both are unsigned.
    """
    if comparison in ("==", "!="):
        mixed = _known(left) is None and _known(right) is None and _mixed(left, right, domains)
        equals = equal(_unsigned(left), _unsigned(right)) if mixed else same(left, right)
        return equals if comparison == "==" else negation(equals)
    if _mixed(left, right, domains):
        left, right = _unsigned(left), _unsigned(right)
    return compare(comparison, left, right)


def _mixed(left: Expression, right: Expression, domains: Mapping[str, Range]) -> bool:
    """Whether one side may be negative and the other one beyond a signed long, in 32 bits."""
    try:
        sides = (interval(left, domains), interval(right, domains))
    except (KeyError, ValueError):  # an address, a flag of the machine
        return False
    return any(
        LONG.low <= one.low < 0 and LONG.high < other.high <= ULONG.high
        for one, other in (sides, sides[::-1])
    )
