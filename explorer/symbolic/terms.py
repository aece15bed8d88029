"""Values as terms: how booleans, integers and labels become bits.

A boolean is a formula, a label its position in its enumeration, an integer a signed bit-vector.
Each integer term carries its bounds, found by interval arithmetic on the way up, and exactly the
bits they need; so no operation overflows, and arithmetic is on unbounded integers, as
`model/expr.py` says.
"""

from dataclasses import dataclass
from typing import TypeAlias, assert_never

from dirql.model.algebra import interval
from dirql.model.domain import Boolean, Domain, Enumeration, Range, Value
from dirql.model.expr import Arithmetic, Operation, Read

from . import solver
from .solver import Solver, Term


@dataclass(frozen=True, slots=True)
class Truth:
    """A boolean as a formula."""

    term: Term


@dataclass(frozen=True, slots=True)
class Number:
    """An integer within `bounds`, in exactly `bits_for(bounds)` bits."""

    term: Term
    bounds: Range


@dataclass(frozen=True, slots=True)
class Label:
    """A label of `domain`, as its position there."""

    term: Term
    domain: Enumeration


Encoded: TypeAlias = Truth | Number | Label


def _hull(*parts: Range) -> Range:
    return Range(min(part.low for part in parts), max(part.high for part in parts))


def bits_for(bounds: Range) -> int:
    """How many bits hold every integer within `bounds` in two's complement; at least 1."""
    return 1 + max((end if end >= 0 else ~end).bit_length() for end in (bounds.low, bounds.high))


def _label_bits(domain: Enumeration) -> int:
    return max(1, (len(domain.labels) - 1).bit_length())


def integer(value: int) -> Number:
    """The constant `value`."""
    bounds = Range(value, value)
    return Number(solver.number(value, bits_for(bounds)), bounds)


def label(text: str, domain: Enumeration) -> Label:
    """The label `text` of `domain`."""
    return Label(solver.number(domain.labels.index(text), _label_bits(domain)), domain)


def variable_term(domain: Domain, name: str) -> Encoded:
    """A constant of the solver called `name`, with enough bits for the values of `domain`."""
    match domain:
        case Boolean():
            return Truth(solver.bit(name))
        case Range():
            return Number(solver.vector(name, bits_for(domain)), domain)
        case Enumeration():
            return Label(solver.vector(name, _label_bits(domain)), domain)
        case _:
            assert_never(domain)


def in_domain(variable: Encoded) -> Term:
    """That the bits of a variable stand for a value of its domain."""
    match variable:
        case Truth():
            return solver.TRUE
        case Number(term, bounds):
            limit = 1 << (bits_for(bounds) - 1)
            return _within(Number(term, Range(-limit, limit - 1)), bounds)
        case Label(term, domain):
            width, last = _label_bits(domain), len(domain.labels) - 1
            if last == (1 << width) - 1:
                return solver.TRUE
            return solver.unsigned_less_equal(term, solver.number(last, width))
        case _:
            assert_never(variable)


def _within(value: Number, bounds: Range) -> Term:
    above = compare("<=", integer(bounds.low), value)
    below = compare("<=", value, integer(bounds.high))
    return solver.conjunction(
        (
            *((above,) if value.bounds.low < bounds.low else ()),
            *((below,) if value.bounds.high > bounds.high else ()),
        )
    )


def compare(operator: str, left: Number, right: Number) -> Term:
    """`left == right`, `left < right` or `left <= right`."""
    width = bits_for(_hull(left.bounds, right.bounds))
    a, b = solver.resize(left.term, width), solver.resize(right.term, width)
    match operator:
        case "==":
            return solver.equal(a, b)
        case "<":
            return solver.less(a, b)
        case _:
            return solver.less_equal(a, b)


def choice(condition: Term, then: Encoded, otherwise: Encoded) -> Encoded:
    """`then` where `condition` holds, else `otherwise`; both are of one kind."""
    match then, otherwise:
        case Number(a, left), Number(b, right):
            bounds = _hull(left, right)
            width = bits_for(bounds)
            wide = solver.resize(a, width), solver.resize(b, width)
            return Number(solver.if_then_else(condition, *wide), bounds)
        case Label(a, domain), Label(b, _):
            return Label(solver.if_then_else(condition, a, b), domain)
        case _:
            return Truth(solver.if_then_else(condition, then.term, otherwise.term))


def arithmetic(operation: Operation, left: Number, right: Number) -> Number:
    """`left operation right`, computed in as many bits as operands and result need."""
    sides = {"left": left.bounds, "right": right.bounds}
    bounds = interval(Arithmetic(operation, Read("left"), Read("right")), sides)
    room = _hull(left.bounds, right.bounds, bounds)
    if operation == "//":  # the remainder is taken off before the division
        room = _hull(room, Range(left.bounds.low - right.bounds.high, left.bounds.high))
    width = bits_for(room)
    a, b = solver.resize(left.term, width), solver.resize(right.term, width)
    term = solver.calculate(operation, a, b)
    return Number(solver.resize(term, bits_for(bounds)), bounds)


def same_value(encoded: Encoded, value: Value) -> Term:
    """That `encoded` is `value`; false where the two can never be equal."""
    match encoded:
        case Truth(term):
            return term if value is True else solver.negation(term)
        case Number(_, bounds):
            within = isinstance(value, int) and bounds.low <= value <= bounds.high
            return compare("==", encoded, integer(int(value))) if within else solver.FALSE
        case Label(term, domain):
            known = isinstance(value, str) and value in domain.labels
            return solver.equal(term, label(str(value), domain).term) if known else solver.FALSE
        case _:
            assert_never(encoded)


def value_in(answer: Solver, encoded: Encoded) -> Value:
    """The value of `encoded` in the last model that `answer` found."""
    match encoded:
        case Truth(term):
            return answer.boolean(term)
        case Number(term):
            return answer.integer(term)
        case Label(term, domain):
            return domain.labels[answer.integer(term, signed=False)]
        case _:
            assert_never(encoded)


def resized(value: Encoded, variable: Encoded) -> tuple[Term, Term | None]:
    """`value` in the bits of `variable`, and the condition under which it fits (`None`: always)."""
    if not (isinstance(value, Number) and isinstance(variable, Number)):
        return value.term, None
    bounds = variable.bounds
    term = solver.resize(value.term, bits_for(bounds))
    always = bounds.low <= value.bounds.low and value.bounds.high <= bounds.high
    return term, None if always else _within(value, bounds)
