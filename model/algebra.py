"""Building expressions: smart constructors and substitution.

The constructors fold constants, flatten and drop what cannot matter, so that a machine built from
them is small and two ways to say one thing print alike. They never change a value: whatever state
an expression is asked in, the built one answers the same. What they cannot make sense of (a label
compared with a number) they leave as it stands; `validation.py` reports it with its place.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Literal, assert_never

from .domain import Value
from .expr import (
    FALSE,
    TRUE,
    And,
    Arithmetic,
    Compare,
    Comparison,
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
from .inspection import LARGEST_SHIFT, is_integer
from .inspection import interval as interval  # noqa: PLC0414 - built and asked in one place
from .inspection import variables_of as variables_of  # noqa: PLC0414 - as above

_FOLD: dict[Operation, Callable[[int, int], int]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "//": lambda a, b: a // b,
    "%": lambda a, b: a % b,
    "&": lambda a, b: a & b,
    "|": lambda a, b: a | b,
    "^": lambda a, b: a ^ b,
    "<<": lambda a, b: a << b,
    ">>": lambda a, b: a >> b,
}
_NEUTRAL_RIGHT: dict[Operation, int] = {
    "+": 0, "-": 0, "*": 1, "//": 1, "|": 0, "^": 0, "<<": 0, ">>": 0,
}  # fmt: skip
_COMMUTATIVE: frozenset[Operation] = frozenset(("+", "*", "&", "|", "^"))


def is_true(expression: Expression) -> bool:
    """Say whether `expression` is the constant true (the integer 1 is not)."""
    return isinstance(expression, Constant) and expression.value is True


def is_false(expression: Expression) -> bool:
    """Say whether `expression` is the constant false (the integer 0 is not)."""
    return isinstance(expression, Constant) and expression.value is False


def same_value(left: Value, right: Value) -> bool:
    """Equality that tells `True` from 1 and `False` from 0."""
    return isinstance(left, bool) == isinstance(right, bool) and left == right


def _one_kind(left: Value, right: Value) -> bool:
    return type(left) is type(right)


def atoms(expression: Expression) -> tuple[Expression, ...]:
    """The conjuncts of `expression`: what a guard lists. True has none."""
    if isinstance(expression, And):
        return expression.operands
    return () if is_true(expression) else (expression,)


def conjunction(*operands: Expression) -> Expression:
    """All of `operands`, flattened, without repetition; false where two of them exclude another.

    Tests of one expression for membership (`pc == a`, `pc in (a, b)`) are intersected.
    """
    kept = _flatten(operands, And)
    tested: dict[Expression, tuple[Value, ...]] = {}
    for item in kept:
        if isinstance(test := _membership(item), Member):
            values = tested.get(test.operand)
            tested[test.operand] = (
                test.values if values is None else _intersection(values, test.values)
            )
    merged = _merge(kept, tested)
    known = set(merged)
    if any(is_false(item) or _opposite(item) in known for item in merged):
        return FALSE
    return merged[0] if len(merged) == 1 else And(tuple(merged)) if merged else TRUE


def disjunction(*operands: Expression) -> Expression:
    """Some of `operands`, flattened, without repetition; true where two of them exhaust all.

    Tests of one expression for membership are united, so that `pc == a or pc == b` becomes one.
    """
    kept = _flatten(operands, Or)
    tested: dict[Expression, tuple[Value, ...]] = {}
    for item in kept:
        if isinstance(test := _membership(item), Member):
            tested[test.operand] = (*tested.get(test.operand, ()), *test.values)
    merged = _merge(kept, tested)
    known = set(merged)
    if any(is_true(item) or _opposite(item) in known for item in merged):
        return TRUE
    return merged[0] if len(merged) == 1 else Or(tuple(merged)) if merged else FALSE


def _flatten(operands: Iterable[Expression], kind: type[And] | type[Or]) -> list[Expression]:
    neutral = is_true if kind is And else is_false
    flat: dict[Expression, None] = {}
    for operand in operands:
        parts = operand.operands if isinstance(operand, kind) else (operand,)
        flat.update((part, None) for part in parts if not neutral(part))
    return list(flat)


def _membership(expression: Expression) -> Member | None:
    """`expression` as a test for membership, if it is one."""
    match expression:
        case Member():
            return expression
        case Compare("==", left, Constant(value)):
            return Member(left, (value,))
        case _:
            return None


def _merge(
    items: Iterable[Expression], tested: Mapping[Expression, tuple[Value, ...]]
) -> list[Expression]:
    """`items` with the tests of each operand replaced by its one test, at the first place."""
    merged: dict[Expression, None] = {}
    for item in items:
        test = _membership(item)
        merged[item if test is None else member(test.operand, tested[test.operand])] = None
    return list(merged)


def _intersection(left: Iterable[Value], right: Iterable[Value]) -> tuple[Value, ...]:
    others = tuple(right)
    return tuple(a for a in left if any(same_value(a, b) for b in others))


def _opposite(expression: Expression) -> Expression | None:
    """What `expression` denies, if it is a denial: of two opposites, at least one is."""
    match expression:
        case Not(operand):
            return operand
        case Compare("!=", left, right):
            return Compare("==", left, right)
        case Compare("<", left, right):
            return Compare("<=", right, left)
        case _:
            return None


def negation(operand: Expression) -> Expression:
    """Not `operand`, pushed inwards as far as another operator can take it."""
    match operand:
        case Constant(bool(value)):
            return FALSE if value else TRUE
        case Not(inner):
            return inner
        case And(operands):
            return disjunction(*(negation(item) for item in operands))
        case Or(operands):
            return conjunction(*(negation(item) for item in operands))
        case Compare("==", left, right):
            return Compare("!=", left, right)
        case Compare("!=", left, right):
            return Compare("==", left, right)
        case Compare("<", left, right):
            return less_equal(right, left)
        case Compare("<=", left, right):
            return less(right, left)
        case IfThenElse(condition, then, otherwise):
            return if_then_else(condition, negation(then), negation(otherwise))
        case _:
            return Not(operand)


def equal(left: Expression, right: Expression) -> Expression:
    """`left == right`, a constant always on the right."""
    if isinstance(left, Constant) and not isinstance(right, Constant):
        left, right = right, left
    if isinstance(right, Constant):
        value = right.value
        if isinstance(left, Constant) and _one_kind(left.value, value):
            return TRUE if left.value == value else FALSE
        if isinstance(value, bool) and not isinstance(left, Constant):
            return left if value else negation(left)
        if isinstance(left, IfThenElse) and _chooses_constant(left):
            return _through(left, lambda leaf: equal(leaf, right))
    elif left == right:
        return TRUE
    return Compare("==", left, right)


def not_equal(left: Expression, right: Expression) -> Expression:
    """`left != right`, a constant always on the right."""
    return negation(equal(left, right))


def less(left: Expression, right: Expression) -> Expression:
    """`left < right`, of integers."""
    return _order("<", left, right)


def less_equal(left: Expression, right: Expression) -> Expression:
    """`left <= right`, of integers."""
    return _order("<=", left, right)


def compare(comparison: Comparison, left: Expression, right: Expression) -> Expression:
    """`left comparison right`, by the constructor of each comparison."""
    match comparison:
        case "==":
            return equal(left, right)
        case "!=":
            return not_equal(left, right)
        case "<" | "<=":
            return _order(comparison, left, right)
        case _:
            assert_never(comparison)


def _order(comparison: Literal["<", "<="], left: Expression, right: Expression) -> Expression:
    strict = comparison == "<"
    match left, right:
        case Constant(int(a)), Constant(int(b)) if is_integer(a) and is_integer(b):
            return TRUE if (a < b if strict else a <= b) else FALSE
        case IfThenElse(), Constant() if _chooses_constant(left):
            return _through(left, lambda leaf: _order(comparison, leaf, right))
        case Constant(), IfThenElse() if _chooses_constant(right):
            return _through(right, lambda leaf: _order(comparison, left, leaf))
        case _ if left == right:
            return FALSE if strict else TRUE
        case _:
            return Compare("<" if strict else "<=", left, right)


def _chooses_constant(expression: Expression) -> bool:
    """Whether `expression` is a tree of choices with constants at all ends."""
    match expression:
        case IfThenElse(_, then, otherwise):
            return _chooses_constant(then) and _chooses_constant(otherwise)
        case _:
            return isinstance(expression, Constant)


def _through(expression: Expression, question: Callable[[Expression], Expression]) -> Expression:
    """Ask `question` of each end of a tree of choices instead of the whole."""
    match expression:
        case IfThenElse(condition, then, otherwise):
            return if_then_else(condition, _through(then, question), _through(otherwise, question))
        case _:
            return question(expression)


def member(operand: Expression, values: Iterable[Value]) -> Expression:
    """`operand` is one of `values`, given in any order and with repetitions."""
    kept: dict[tuple[bool, Value], Value] = {(isinstance(v, bool), v): v for v in values}
    if len({type(value) for value in kept.values()}) > 1:
        return Member(operand, tuple(kept.values()))
    ordered = tuple(sorted(kept.values(), key=_sort_key))
    if not ordered:
        return FALSE
    if len(ordered) == 1:
        return equal(operand, Constant(ordered[0]))
    if isinstance(operand, Constant) and _one_kind(operand.value, ordered[0]):
        return TRUE if operand.value in ordered else FALSE
    if isinstance(ordered[0], bool):
        return TRUE
    if isinstance(operand, IfThenElse) and _chooses_constant(operand):
        return _through(operand, lambda leaf: member(leaf, ordered))
    return Member(operand, ordered)


def _sort_key(value: Value) -> tuple[int, str]:
    """Orders values of one kind: numbers by size, labels by code points."""
    return (0, value) if isinstance(value, str) else (int(value), "")


def if_then_else(condition: Expression, then: Expression, otherwise: Expression) -> Expression:
    """`then` where `condition` holds, else `otherwise`."""
    if is_true(condition) or then == otherwise:
        return then
    if is_false(condition):
        return otherwise
    if is_true(then):
        return disjunction(condition, otherwise)
    if is_false(then):
        return conjunction(negation(condition), otherwise)
    if is_true(otherwise):
        return disjunction(negation(condition), then)
    if is_false(otherwise):
        return conjunction(condition, then)
    return IfThenElse(condition, then, otherwise)


def arithmetic(operation: Operation, left: Expression, right: Expression) -> Expression:
    """`left operation right`, of integers, with constants folded where the result is defined."""
    match left, right:
        case Constant(int(a)), Constant(int(b)) if _defined(operation, a, b):
            return Constant(_FOLD[operation](a, b))
        case Constant(int()), _ if operation in _COMMUTATIVE:
            left, right = right, left
        case _:
            pass
    if isinstance(right, Constant) and is_integer(right.value):
        if right.value == 0 and operation in ("*", "&"):
            return Constant(0)
        if right.value == 1 and operation == "%":
            return Constant(0)
        if right.value == _NEUTRAL_RIGHT.get(operation):
            return left
    return Arithmetic(operation, left, right)


def _defined(operation: Operation, left: int, right: int) -> bool:
    if not (is_integer(left) and is_integer(right)):
        return False
    if operation in ("//", "%"):
        return right > 0
    return operation not in ("<<", ">>") or 0 <= right <= LARGEST_SHIFT


def select(index: Expression, items: Iterable[Expression]) -> Expression:
    """`items[index]`; outside the items, the last one."""
    listed = tuple(items)
    if isinstance(index, Constant) and isinstance(index.value, int):
        inside = 0 <= index.value < len(listed)
        return listed[index.value] if inside else listed[-1]
    if all(item == listed[0] for item in listed):
        return listed[0]
    return Select(index, listed)


def simplify(expression: Expression) -> Expression:
    """`expression` rebuilt from below with the constructors of this module."""
    return substitute(expression, {})


def substitute(
    expression: Expression,
    replacements: Mapping[str, Expression],
    compared: Callable[[Comparison, Expression, Expression], Expression] = compare,
) -> Expression:
    """`expression` with each variable named in `replacements` replaced, all at once, simplified.

    `compared` builds the comparisons, `compare` unless it is told otherwise.
    """
    done: dict[int, Expression] = {}

    def visit(node: Expression) -> Expression:
        built = done.get(id(node))
        if built is None:
            built = done[id(node)] = rebuild(node)
        return built

    def rebuild(node: Expression) -> Expression:
        match node:
            case Constant():
                return node
            case Read(variable):
                return replacements.get(variable, node)
            case Not(operand):
                return negation(visit(operand))
            case And(operands):
                return conjunction(*map(visit, operands))
            case Or(operands):
                return disjunction(*map(visit, operands))
            case Compare(comparison, left, right):
                return compared(comparison, visit(left), visit(right))
            case Arithmetic(operation, left, right):
                return arithmetic(operation, visit(left), visit(right))
            case IfThenElse(condition, then, otherwise):
                return if_then_else(visit(condition), visit(then), visit(otherwise))
            case Member(operand, values):
                return member(visit(operand), values)
            case Select(index, items):
                return select(visit(index), map(visit, items))
            case _:
                assert_never(node)

    return visit(expression)
