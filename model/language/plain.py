"""Operations on plain data at the module level of a pattern, none of which can run long or grow.

Plain data are numbers, texts, tuples, lists, sets, dictionaries and ranges. Everything else in a
pattern is a declaration, which is passed on and never looked into.
"""

import ast
import operator
from collections.abc import Callable, Container, Iterable, Sequence
from typing import Any, Final, TypeAlias, cast

from .errors import MODULE_FAILED, NOT_READ

Function: TypeAlias = Callable[..., Any]

MOST_BITS = 256
"""Of a number on the way to one that a C type holds."""
MOST_WORK = 200_000
"""Steps of evaluating, and entries of what is made on the way."""
LETTERS_PER_ENTRY = 64
LONGEST_TEXT = 80
"""Of an expression in a message."""

RUNS = "dirql check --run-module runs the module level as Python"


def _reversed(given: Sequence[object]) -> list[object]:
    return list(reversed(given))


def _enumerated(given: Iterable[object], start: int = 0) -> list[tuple[int, object]]:
    return list(enumerate(given, start))


def _zipped(*given: Iterable[object]) -> list[tuple[object, ...]]:
    return list(zip(*given, strict=False))


def _is_in(item: object, among: Container[object]) -> bool:
    return item in among


def _is_not_in(item: object, among: Container[object]) -> bool:
    return item not in among


_NAMES: Final[dict[type[ast.operator], str]] = {
    ast.Add: "add",
    ast.Sub: "sub",
    ast.Mult: "mul",
    ast.FloorDiv: "floordiv",
    ast.Mod: "mod",
    ast.Pow: "pow",
    ast.LShift: "lshift",
    ast.RShift: "rshift",
    ast.BitOr: "or_",
    ast.BitAnd: "and_",
    ast.BitXor: "xor",
}
"""The functions of `operator`."""
UNARY: Final[dict[type[ast.unaryop], Function]] = {
    ast.UAdd: operator.pos,
    ast.USub: operator.neg,
    ast.Invert: operator.invert,
    ast.Not: operator.not_,
}
COMPARISONS: Final[dict[type[ast.cmpop], Function]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Is: operator.is_,
    ast.IsNot: operator.is_not,
    ast.In: _is_in,
    ast.NotIn: _is_not_in,
}
FUNCTIONS: Final[dict[str, Function]] = {
    "range": range,
    "len": len,
    "min": min,
    "max": max,
    "sum": sum,
    "abs": abs,
    "sorted": sorted,
    "list": list,
    "tuple": tuple,
    "set": set,
    "frozenset": frozenset,
    "dict": dict,
    "reversed": _reversed,
    "enumerate": _enumerated,
    "zip": _zipped,
    "int": int,
    "bool": bool,
    "str": str,
}
"""The functions of Python that the module level of a pattern may call."""


class EvaluationError(Exception):
    """An expression that has no value, or none that is found without running Python."""

    def __init__(self, message: str, node: ast.AST, hint: str, code: str) -> None:
        """Remember the message, the place, what to write instead, and the code."""
        super().__init__(message)
        self.message, self.node, self.hint, self.code = message, node, hint, code


def unread(what: str, node: ast.AST, hint: str) -> EvaluationError:
    """`what` is outside of what is read."""
    return EvaluationError(
        f"{what}: the module level of a pattern is read, not run", node, f"{hint}; {RUNS}", NOT_READ
    )


def unread_node(node: ast.AST, hint: str) -> EvaluationError:
    """The node is outside of what is read."""
    first = ast.unparse(node).split("\n")[0]
    if len(first) > LONGEST_TEXT:
        first = first[:LONGEST_TEXT] + "..."
    return unread(f"`{first}` would have to run", node, hint)


class Budget:
    """How much may still be evaluated."""

    def __init__(self) -> None:
        """Begin with all of it."""
        self.left = MOST_WORK

    def spend(self, amount: int, node: ast.AST) -> None:
        """Take `amount` off.

        Raises:
            EvaluationError: nothing is left.
        """
        self.left -= amount
        if self.left < 0:
            raise EvaluationError(
                "the constants of this pattern take too long to compute, or grow too large",
                node,
                "use the smallest numbers that show the behaviour",
                MODULE_FAILED,
            )

    def keep(self, value: object, node: ast.AST) -> object:
        """`value`, after what it holds was counted.

        Raises:
            EvaluationError: it is too large.
        """
        if isinstance(value, int):
            if value.bit_length() > MOST_BITS:
                raise EvaluationError(
                    f"this number has more than {MOST_BITS} bits",
                    node,
                    "use the smallest numbers that show the behaviour",
                    MODULE_FAILED,
                )
            return value
        pending, found = [value], 0
        while pending and found <= self.left:
            item = pending.pop()
            found += 1
            match item:
                case str():
                    found += len(item) // LETTERS_PER_ENTRY
                case range():
                    found += max((item.stop - item.start) // item.step, 0)
                case dict():
                    known = cast("dict[object, object]", item)
                    pending += [*known, *known.values()]
                case list() | tuple() | set() | frozenset():
                    pending += cast("Iterable[object]", item)
                case _:
                    pass
        self.spend(found, node)
        return value


def combined(kind: ast.operator, left: object, right: object, node: ast.AST) -> object:
    """`left` and `right` under a binary operator; the result is not counted yet.

    Raises:
        EvaluationError: the operands are no plain data that go together, or the result is huge.
    """
    match kind, left, right:
        case ast.Pow() | ast.LShift(), int(), int() if not 0 <= right <= MOST_BITS:
            raise unread_node(node, f"the exponent or shift is 0 to {MOST_BITS}")
        case ast.Div() | ast.MatMult(), _, _:
            raise unread_node(node, "numbers are integers: write //")
        case _, int(), int():
            pass
        case ast.Add(), str(), str():
            pass
        case ast.Add(), list(), list():
            pass
        case ast.Add(), tuple(), tuple():
            pass
        case ast.Mult(), str() | list() | tuple(), int():
            _room(len(cast("str", left)) * right, node)
        case ast.Mult(), int(), str() | list() | tuple():
            _room(left * len(cast("str", right)), node)
        case ast.BitOr() | ast.BitAnd() | ast.Sub() | ast.BitXor(), set(), set():
            pass
        case ast.BitOr(), dict(), dict():
            pass
        case _:
            raise unread_node(node, "compute with integers, and join texts, lists and tuples by +")
    function = cast("Function", getattr(operator, _NAMES[type(kind)]))
    return cast("object", function(left, right))


def _room(size: int, node: ast.AST) -> None:
    if size > MOST_WORK:
        raise EvaluationError(
            "this has too many entries",
            node,
            "use the smallest numbers that show the behaviour",
            MODULE_FAILED,
        )


def element(owner: object, index: object, node: ast.AST) -> object:
    """`owner[index]`.

    Raises:
        EvaluationError: it is no plain data with entries.
    """
    match owner, index:
        case (str() | list() | tuple() | range(), int()) | (dict(), _):
            return cast("object", operator.getitem(cast("Any", owner), index))
        case _:
            raise unread_node(node, "name one entry of a list, a tuple or a dictionary")
