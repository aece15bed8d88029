"""Expressions as LLVM instructions: the fold that gives the native engine its meaning.

Booleans are `i1`. Labels and the numbers of fields are `i64`. Integers are signed and as wide as
interval arithmetic says they must be: `i64` nearly always, and never too narrow, so that they mean
what Python's unlimited integers mean.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, TypeAlias, assert_never

from dirql.model.domain import Boolean, Enumeration, Range, Value
from dirql.model.expr import (
    And,
    Arithmetic,
    Compare,
    Constant,
    Expression,
    IfThenElse,
    Member,
    Not,
    Or,
    Read,
    Select,
)
from dirql.model.inspection import interval, is_integer

from .assembly import Function
from .codec import WORD, Layout

Sort: TypeAlias = Literal["boolean", "integer", "label"]

_COMPARISONS = {"==": "eq", "!=": "ne", "<": "slt", "<=": "sle"}
_OPERATIONS = {"+": "add", "-": "sub", "*": "mul", "&": "and", "|": "or", "^": "xor"}
_SHIFTS = {"<<": "shl", ">>": "ashr"}
_WIDE = 192
"""The next width after a word: division of 128 bits would call a library that may be missing."""


@dataclass(frozen=True, slots=True)
class Number:
    """An integer: its value as text, its width in bits, and bounds for it."""

    text: str
    width: int
    bounds: Range


class Formulas:
    """Writes expressions into a function.

    What was computed is remembered, so that a shared part is computed once. So one object serves
    only while each block is sure to be passed before what comes behind it.
    """

    def __init__(
        self, function: Function, layout: Layout, words: list[str], known: dict[str, int]
    ) -> None:
        """Write into `function`, where the state is in `words`.

        Parameters:
            function: where to write.
            layout: the fields of the state.
            words: the values of its words.
            known: variables whose field is known to hold a number here.
        """
        self._function, self._layout, self._words = function, layout, words
        self._known = known
        self._fields: dict[str, str] = {}
        self._done: dict[int, tuple[Expression, str | Number]] = {}

    def all(self, conditions: Iterable[Expression]) -> str:
        """Whether all of `conditions` hold."""
        return self._joined("and", [self.boolean(item) for item in conditions])

    def stored(self, expression: Expression, variable: str) -> tuple[str, str]:
        """The number that stands for `expression` in the field of `variable`, and whether it fits.

        The second is `true` where that is sure.
        """
        field = self._layout.by_name[variable]
        match field.variable.domain:
            case Boolean():
                return self._widened(self.boolean(expression)), "true"
            case Enumeration(_, labels):
                return self.label(expression, labels), "true"
            case Range(low, high):
                return self._in_range(self.number(expression), low, high)
            case _:
                assert_never(field.variable.domain)

    def same(self, left: Expression, right: Expression) -> str:
        """Whether two expressions of one sort are equal."""
        return self.boolean(Compare("==", left, right))

    def boolean(self, expression: Expression) -> str:
        """`expression` as an `i1`."""
        done = self._done.get(id(expression))
        if done is None:
            done = self._done[id(expression)] = expression, self._boolean(expression)
        return str(done[1])

    def number(self, expression: Expression) -> Number:
        """`expression`, which is of integers."""
        done = self._done.get(id(expression))
        if done is None:
            done = self._done[id(expression)] = expression, self._number(expression)
        value = done[1]
        if not isinstance(value, Number):
            raise TypeError(f"{expression} is not an integer")
        return value

    def label(self, expression: Expression, labels: tuple[str, ...]) -> str:
        """The place of the label `expression` among `labels`."""
        match expression:
            case Constant(value):
                return str(labels.index(str(value)))
            case Read(variable):
                return self._field(variable)
            case IfThenElse(condition, then, otherwise):
                ways = self.label(then, labels), self.label(otherwise, labels)
                return self._choice(self.boolean(condition), *ways, "i64")
            case Select(index, items):
                values = [self.label(item, labels) for item in items]
                return self._selected(self.number(index), values, "i64")
            case _:
                raise TypeError(f"{expression} is not a label")

    def _boolean(self, expression: Expression) -> str:
        match expression:
            case Constant(value):
                return "true" if value else "false"
            case Read(variable):
                return self._narrowed(self._field(variable))
            case Not(operand):
                return self._negated(self.boolean(operand))
            case And(operands):
                return self.all(operands)
            case Or(operands):
                return self._joined("or", [self.boolean(item) for item in operands])
            case Compare(operator, left, right):
                return self._compared(operator, left, right)
            case Member(operand, values):
                return self._member(operand, values)
            case IfThenElse(condition, then, otherwise):
                ways = self.boolean(then), self.boolean(otherwise)
                return self._choice(self.boolean(condition), *ways, "i1")
            case Select(index, items):
                truths = [self.boolean(item) for item in items]
                return self._selected(self.number(index), truths, "i1")
            case Arithmetic():
                raise TypeError(f"{expression} is not a condition")
            case _:
                assert_never(expression)

    def _number(self, expression: Expression) -> Number:
        match expression:
            case Constant(int(value)) if is_integer(value):
                return Number(str(value), width_of(Range(value, value)), Range(value, value))
            case Read(variable):
                return self._read(variable)
            case Arithmetic():
                return self._computed(expression)
            case IfThenElse(condition, then, otherwise):
                (first, second), width, bounds = self._even((then, otherwise))
                text = self._choice(self.boolean(condition), first, second, f"i{width}")
                return Number(text, width, bounds)
            case Select(index, items):
                values, width, bounds = self._even(items)
                text = self._selected(self.number(index), values, f"i{width}")
                return Number(text, width, bounds)
            case _:
                raise TypeError(f"{expression} is not an integer")

    def _even(self, items: tuple[Expression, ...]) -> tuple[list[str], int, Range]:
        """Integers in one width that holds them all, the width, and bounds for all."""
        numbers = [self.number(item) for item in items]
        low, high = (min(n.bounds.low for n in numbers), max(n.bounds.high for n in numbers))
        width = max(number.width for number in numbers)
        return [self._extended(item, width) for item in numbers], width, Range(low, high)

    def _read(self, variable: str) -> Number:
        field = self._layout.by_name[variable]
        domain = field.variable.domain
        if not isinstance(domain, Range):
            raise TypeError(f"{variable} is not an integer")
        width, text = width_of(domain), self._field(variable)
        if width > WORD:
            text = self._function.let(f"zext i64 {text} to i{width}")
        if field.base:
            text = self._function.let(f"add i{width} {text}, {field.base}")
        return Number(text, width, domain)

    def _computed(self, expression: Arithmetic) -> Number:
        left, right = self.number(expression.left), self.number(expression.right)
        operator = expression.operator
        operands = Arithmetic(operator, Read("left"), Read("right"))
        bounds = interval(operands, {"left": left.bounds, "right": right.bounds})
        width = max(width_of(bounds), left.width, right.width)
        a, b = self._extended(left, width), self._extended(right, width)
        let, kind = self._function.let, f"i{width}"
        if operator in ("//", "%"):
            text = self._divided(operator, a, b, left.bounds.low >= 0, kind)
        else:
            text = let(f"{_OPERATIONS.get(operator) or _SHIFTS[operator]} {kind} {a}, {b}")
        return Number(text, width, bounds)

    def _divided(self, operator: str, a: str, b: str, unsigned: bool, kind: str) -> str:  # noqa: FBT001
        """`a` divided by the positive `b`, rounded down as in Python, or what remains."""
        let = self._function.let
        if unsigned:
            return let(f"{'udiv' if operator == '//' else 'urem'} {kind} {a}, {b}")
        rest = let(f"srem {kind} {a}, {b}")
        below = let(f"icmp slt {kind} {rest}, 0")
        if operator == "%":
            return self._choice(below, let(f"add {kind} {rest}, {b}"), rest, kind)
        quotient = let(f"sdiv {kind} {a}, {b}")
        return self._choice(below, let(f"sub {kind} {quotient}, 1"), quotient, kind)

    def _compared(self, operator: str, left: Expression, right: Expression) -> str:
        let, test = self._function.let, _COMPARISONS[operator]
        match self._sort(left):
            case "integer":
                (a, b), width, _ = self._even((left, right))
                return let(f"icmp {test} i{width} {a}, {b}")
            case "boolean":
                return let(f"icmp {test} i1 {self.boolean(left)}, {self.boolean(right)}")
            case "label":
                labels = self._labels(left) or self._labels(right)
                labels = labels or tuple(dict.fromkeys(_constants((left, right))))
                a, b = self.label(left, labels), self.label(right, labels)
                return let(f"icmp {test} i64 {a}, {b}")

    def _member(self, operand: Expression, values: tuple[Value, ...]) -> str:
        match self._sort(operand):
            case "boolean":
                truth = self.boolean(operand)
                return self._joined("or", [truth if v else self._negated(truth) for v in values])
            case "integer":
                number = self.number(operand)
                numbers = [int(value) for value in values]
                low, high = number.bounds.low, number.bounds.high
                wanted = [value for value in numbers if low <= value <= high]
                return self._among(number.text, number.width, wanted)
            case "label":
                labels = self._labels(operand)
                labels = labels or tuple(
                    dict.fromkeys((*_constants((operand,)), *map(str, values)))
                )
                known = [labels.index(str(value)) for value in values]
                return self._among(self.label(operand, labels), WORD, known)

    def _among(self, text: str, width: int, wanted: list[int]) -> str:
        """Whether the value is one of `wanted`; LLVM makes a bit test of many comparisons."""
        let = self._function.let
        tests = [let(f"icmp eq i{width} {text}, {value}") for value in wanted]
        return self._joined("or", tests)

    def _selected(self, index: Number, values: list[str], kind: str) -> str:
        """The value at `index`, the last one for an index outside."""
        found = values[-1]
        for place, value in enumerate(values[:-1]):
            if value != found and index.bounds.low <= place <= index.bounds.high:
                here = self._function.let(f"icmp eq i{index.width} {index.text}, {place}")
                found = self._choice(here, value, found, kind)
        return found

    def _field(self, variable: str) -> str:
        """The number in the field of `variable`."""
        if variable in self._known:
            return str(self._known[variable])
        text = self._fields.get(variable)
        if text is None:
            field, let = self._layout.by_name[variable], self._function.let
            text = self._words[field.word] if field.bits else "0"
            if field.offset:
                text = let(f"lshr i64 {text}, {field.offset}")
            if 0 < field.bits < WORD - field.offset:
                text = let(f"and i64 {text}, {field.mask}")
            self._fields[variable] = text
        return text

    def _sort(self, expression: Expression) -> Sort:
        while True:
            match expression:
                case IfThenElse(_, then, _):
                    expression = then
                case Select(_, items):
                    expression = items[0]
                case _:
                    break
        match expression:
            case Constant(value):
                return _sort_of(value)
            case Read(variable):
                domain = self._layout.by_name[variable].variable.domain
                return (
                    _sort_of(next(iter(domain.labels)))
                    if isinstance(domain, Enumeration)
                    else ("boolean" if isinstance(domain, Boolean) else "integer")
                )
            case Arithmetic():
                return "integer"
            case _:
                return "boolean"

    def _labels(self, expression: Expression) -> tuple[str, ...]:
        """The labels of the enumeration that `expression` reads; none if it reads none."""
        match expression:
            case Read(variable):
                return self._layout.by_name[variable].labels
            case IfThenElse(_, then, otherwise):
                return self._labels(then) or self._labels(otherwise)
            case Select(_, items):
                found = (self._labels(item) for item in items)
                return next((labels for labels in found if labels), ())
            case _:
                return ()

    def _in_range(self, number: Number, low: int, high: int) -> tuple[str, str]:
        let, kind, bounds = self._function.let, f"i{number.width}", number.bounds
        wide = width_of(Range(min(low, bounds.low), max(high, bounds.high)))
        kind, text = f"i{wide}", self._extended(number, wide)
        fits = "true"
        if bounds.low < low or high < bounds.high:
            above = let(f"icmp sge {kind} {text}, {low}")
            fits = self._joined("and", [above, let(f"icmp sle {kind} {text}, {high}")])
        if low:
            text = let(f"sub {kind} {text}, {low}")
        if wide > WORD:
            text = let(f"trunc {kind} {text} to i64")
        return text, fits

    def _extended(self, number: Number, width: int) -> str:
        if number.width == width or not number.text.startswith("%"):
            return number.text
        return self._function.let(f"sext i{number.width} {number.text} to i{width}")

    def _widened(self, truth: str) -> str:
        if truth in ("true", "false"):
            return "1" if truth == "true" else "0"
        return self._function.let(f"zext i1 {truth} to i64")

    def _narrowed(self, number: str) -> str:
        if number in ("0", "1"):
            return "true" if number == "1" else "false"
        return self._function.let(f"trunc i64 {number} to i1")

    def _negated(self, truth: str) -> str:
        if truth in ("true", "false"):
            return "false" if truth == "true" else "true"
        return self._function.let(f"xor i1 {truth}, true")

    def _joined(self, operator: Literal["and", "or"], truths: list[str]) -> str:
        neutral, absorbing = ("true", "false") if operator == "and" else ("false", "true")
        wanted = [truth for truth in dict.fromkeys(truths) if truth != neutral]
        if absorbing in wanted:
            return absorbing
        found = neutral
        for truth in wanted:
            if found == neutral:
                found = truth
            else:
                found = self._function.let(f"{operator} i1 {found}, {truth}")
        return found

    def _choice(self, condition: str, then: str, otherwise: str, kind: str) -> str:
        if then == otherwise or condition == "true":
            return then
        if condition == "false":
            return otherwise
        return self._function.let(f"select i1 {condition}, {kind} {then}, {kind} {otherwise}")


def width_of(bounds: Range) -> int:
    """How many bits integers within `bounds` are given."""
    bits = max((end if end >= 0 else ~end).bit_length() for end in (bounds.low, bounds.high)) + 1
    return WORD if bits <= WORD else max(_WIDE, -(-bits // WORD) * WORD)


def _sort_of(value: Value) -> Sort:
    if isinstance(value, str):
        return "label"
    return "integer" if is_integer(value) else "boolean"


def _constants(expressions: Iterable[Expression]) -> Iterable[str]:
    """The labels written in `expressions` that give labels."""
    for expression in expressions:
        match expression:
            case Constant(value):
                yield str(value)
            case IfThenElse(_, then, otherwise):
                yield from _constants((then, otherwise))
            case Select(_, items):
                yield from _constants(items)
            case _:
                pass
