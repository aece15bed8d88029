"""Asking expressions: their parts, the variables they read, the integers they can give."""

from collections.abc import Callable, Iterable, Mapping
from itertools import product
from typing import Literal, assert_never

from .domain import Domain, Range, Value, describe
from .expr import (
    And,
    Arithmetic,
    Compare,
    Constant,
    Expression,
    IfThenElse,
    Member,
    Not,
    Operation,
    Or,
    Read,
    Select,
)

LARGEST_SHIFT = 31
"""The widest shift, in bits: C's on 32-bit integers."""


def is_integer(value: Value) -> bool:
    """Say whether `value` is an integer; for Python `True` is one, here it is not."""
    return isinstance(value, int) and not isinstance(value, bool)


def children(expression: Expression) -> tuple[Expression, ...]:
    """The direct parts of `expression`, in reading order."""
    match expression:
        case Constant() | Read():
            return ()
        case Not(operand) | Member(operand, _):
            return (operand,)
        case And(operands) | Or(operands):
            return operands
        case Compare(_, left, right) | Arithmetic(_, left, right):
            return (left, right)
        case IfThenElse(condition, then, otherwise):
            return (condition, then, otherwise)
        case Select(index, items):
            return (index, *items)
        case _:
            assert_never(expression)


def variables_of(expression: Expression) -> frozenset[str]:
    """The names of all variables that `expression` reads."""
    found: set[str] = set()
    seen: set[int] = set()
    pending = [expression]
    while pending:
        node = pending.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, Read):
            found.add(node.variable)
        pending.extend(children(node))
    return frozenset(found)


def interval(expression: Expression, domains: Mapping[str, Domain]) -> Range:
    """Bounds that hold every integer `expression` can give, by interval arithmetic.

    The bounds need not be tight: conditions are taken to go either way.

    Parameters:
        expression: of integers.
        domains: the domain of each variable it reads.

    Raises:
        ValueError: it is not of integers, or divides or shifts by what may be out of range.
        KeyError: it reads a variable that is not in `domains`.
    """
    match expression:
        case Constant(int(value)) if is_integer(value):
            return Range(value, value)
        case Read(variable):
            domain = domains[variable]
            if isinstance(domain, Range):
                return domain
            raise ValueError(f"{variable} is {describe(domain)}, not an integer")
        case Arithmetic(operation, left, right):
            return _computed(operation, interval(left, domains), interval(right, domains))
        case IfThenElse(_, then, otherwise):
            return _hull((interval(then, domains), interval(otherwise, domains)))
        case Select(index, items):
            return _hull(interval(item, domains) for item in _reachable(index, items, domains))
        case Constant() | Not() | And() | Or() | Compare() | Member():
            raise ValueError(f"{expression} is not an integer")
        case _:
            assert_never(expression)


def _hull(parts: Iterable[Range]) -> Range:
    listed = tuple(parts)
    return Range(min(part.low for part in listed), max(part.high for part in listed))


def _reachable(
    index: Expression, items: tuple[Expression, ...], domains: Mapping[str, Domain]
) -> tuple[Expression, ...]:
    """The items an index of these bounds can choose; from outside, the last."""
    bounds = interval(index, domains)
    inside = items[max(bounds.low, 0) : bounds.high + 1] if bounds.high >= 0 else ()
    outside = bounds.low < 0 or bounds.high >= len(items)
    return (*inside, items[-1]) if outside else inside


def _computed(operation: Operation, left: Range, right: Range) -> Range:
    if operation in ("//", "%") and right.low <= 0:
        raise ValueError(f"the right side of {operation} may be {right.low}; it must be positive")
    if operation in ("<<", ">>") and not 0 <= right.low <= right.high <= LARGEST_SHIFT:
        raise ValueError(f"a shift by {describe(right)} is not within 0..{LARGEST_SHIFT}")
    match operation:
        case "+":
            return Range(left.low + right.low, left.high + right.high)
        case "-":
            return Range(left.low - right.high, left.high - right.low)
        case "*":
            return _corners(left, right, lambda a, b: a * b)
        case "//":
            return _corners(left, right, lambda a, b: a // b)
        case "<<":
            return _corners(left, right, lambda a, b: a << b)
        case ">>":
            return _corners(left, right, lambda a, b: a >> b)
        case "%":
            fits = left.low >= 0 and left.high < right.low
            return left if fits else Range(0, right.high - 1)
        case "&" | "|" | "^":
            return _bitwise(operation, left, right)
        case _:
            assert_never(operation)


def _corners(left: Range, right: Range, function: Callable[[int, int], int]) -> Range:
    """Bounds of a function monotone in each argument: it is extreme at a corner."""
    found = [function(a, b) for a, b in product((left.low, left.high), (right.low, right.high))]
    return Range(min(found), max(found))


def _bitwise(operation: Literal["&", "|", "^"], left: Range, right: Range) -> Range:
    """Bounds of two's complement operations on integers of unlimited width."""
    ends = (left.low, left.high, right.low, right.high)
    above = (1 << max((end if end >= 0 else ~end).bit_length() for end in ends)) - 1
    plain = left.low >= 0 and right.low >= 0
    if operation == "&":
        # A non-negative side clears every bit it does not have.
        tops = [side.high for side in (left, right) if side.low >= 0]
        return Range(0, min(tops)) if tops else Range(~above, above)
    if not plain:
        return Range(~above, above)
    return Range(max(left.low, right.low) if operation == "|" else 0, above)
