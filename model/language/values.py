"""Capturing expressions: values and conditions.

Each read of anything shared becomes a `Load` into a temporary, in the order C and Python agree on:
from left to right, `and` and `or` no further than needed.
"""

import ast
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from itertools import pairwise

from ..algebra import (
    arithmetic,
    conjunction,
    disjunction,
    if_then_else,
    less_equal,
    member,
    negation,
    select,
)
from ..expr import TRUE, Constant, Expression, Operation
from ..routine import NULL, Assert, Assign
from .borders import is_flag_as_truth
from .errors import CONVERSION, EXPRESSION
from .graph import Edges
from .kinds import (
    Captured,
    Kind,
    Location,
    condition,
    joined,
    null_is_zero,
)
from .names import Names
from .wording import describe_expression, describe_operator
from .words import alike, before, not_after, same

_OPERATIONS: dict[type[ast.operator], Operation] = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.FloorDiv: "//", ast.Mod: "%",
    ast.BitAnd: "&", ast.BitOr: "|", ast.BitXor: "^", ast.LShift: "<<", ast.RShift: ">>",
}  # fmt: skip
_LARGEST_SHIFT = 31
"""`Arithmetic` shifts by constants from 0 to this."""


class Values(Names):
    """A frame that can capture expressions."""

    @abstractmethod
    def call(self, node: ast.Call, target: str | None) -> Captured | None:
        """Capture a call; its result goes into `target`, a new temporary if that is empty."""

    # Values

    def value(self, node: ast.expr) -> Captured:
        """Capture `node` and give its value."""
        match node:
            case ast.Constant(value=bool(known) | int(known)):
                return self.constant(int(known), node)
            case ast.Name() | ast.Attribute() | ast.Subscript():
                return self.read(self.denote(node), node)
            case ast.UnaryOp():
                return self._unary(node)
            case ast.BinOp(left=left, op=operator, right=right):
                first = self.integer(left)
                return self.operation(operator, first, self.integer(right), node)
            case ast.BoolOp() | ast.Compare():
                return self._logic(node)
            case ast.IfExp():
                return self._conditional(node)
            case ast.Call():
                found = self.call(node, "")
                if found is None:
                    raise self.error(
                        EXPRESSION,
                        "this call has no result that could be used here",
                        node,
                        "its result goes into the local passed to it; write it as a statement",
                    )
                return found
            case _:
                raise self.unsupported(*describe_expression(node))

    def integer(self, node: ast.expr) -> Expression:
        """Capture `node`, which must be a number."""
        found = self.value(node)
        if found.kind is Kind.NAME:
            raise self.mixed(f"`{ast.unparse(node)}` is {Kind.NAME.value}, not a number", node)
        return found.value

    def condition(self, node: ast.expr) -> Expression:
        """Capture `node` and give its truth."""
        found = self.value(node)
        known = found.expression.value if isinstance(found.expression, Constant) else 0
        if found.kind is Kind.NAME and known not in (0, NULL):
            shown = ast.unparse(node)
            raise self.error(
                EXPRESSION,
                f"`{shown}` is an object or a routine, and as a condition always true",
                node,
                f"to call a routine, write {shown}(...); a pointer that may be NULL is a field",
            )
        return found.condition

    def _unary(self, node: ast.UnaryOp) -> Captured:
        match node.op:
            case ast.Not():
                return self._logic(node)
            case ast.UAdd():
                return Captured(Kind.INTEGER, self.integer(node.operand))
            case ast.USub():
                zero = Constant(0)
                return Captured(Kind.INTEGER, arithmetic("-", zero, self.integer(node.operand)))
            case _:
                ones = Constant(-1)
                return Captured(Kind.INTEGER, arithmetic("-", ones, self.integer(node.operand)))

    def operation(
        self, operator: ast.operator, left: Expression, right: Expression, node: ast.AST
    ) -> Captured:
        """`left operator right`, of captured numbers."""
        found = _OPERATIONS.get(type(operator))
        if found is None:
            raise self.unsupported(*describe_operator(operator, node))
        if found in ("//", "%") and not (
            isinstance(right, Constant) and isinstance(right.value, int) and right.value > 0
        ):
            raise self.unsupported(
                f"`{found}` by anything but a positive constant",
                node,
                "divide by a constant, or keep a counter instead of dividing",
            )
        if found in ("<<", ">>"):
            return self._shift(found, left, right, node)
        if found in ("//", "%"):
            self._claim(
                less_equal(Constant(0), left),
                f"the left side of {found} is not negative (C and Python round it differently)",
            )
        result = arithmetic(found, left, right)
        if isinstance(result, Constant):
            return self.constant(int(result.value), node)
        return Captured(Kind.INTEGER, result)

    def _claim(self, expected: Expression, detail: str) -> None:
        """Assert what C asks of operands, unless it is plain."""
        if expected != TRUE:
            self.graph.add(Assert(expected, detail))

    def _shift(
        self, operation: Operation, left: Expression, right: Expression, node: ast.AST
    ) -> Captured:
        if not isinstance(right, Constant):
            self._claim(
                conjunction(
                    less_equal(Constant(0), right), less_equal(right, Constant(_LARGEST_SHIFT))
                ),
                f"a shift count is 0 to {_LARGEST_SHIFT}",
            )
            shifted = [
                arithmetic(operation, left, Constant(count)) for count in range(_LARGEST_SHIFT + 1)
            ]
            return Captured(Kind.INTEGER, select(right, shifted))
        if not 0 <= int(right.value) <= _LARGEST_SHIFT:
            raise self.error(
                EXPRESSION,
                f"a shift by {str(right.value)[:20]}",
                node,
                f"shift by 0 to {_LARGEST_SHIFT}",
            )
        return Captured(Kind.INTEGER, arithmetic(operation, left, right))

    # Conditions

    def _logic(self, node: ast.expr) -> Captured:
        """A truth value: an expression where nothing shared is read, else by branches."""
        match node:
            case ast.Compare() if len(node.ops) == 1 or all(map(self.pure, node.comparators[1:])):
                return condition(self._comparison(node))
            case ast.UnaryOp(operand=operand) if not isinstance(operand, ast.BoolOp):
                return condition(negation(self.condition(operand)))
            case _ if self.pure(node):
                return condition(self._pure_condition(node))
            case _:
                return self._decided(node)

    def _decided(self, node: ast.expr) -> Captured:
        target = self.temporary()
        holds, fails = self.branch(node)
        self.graph.loose = holds
        self.graph.add(Assign(target, Constant(1)))
        after, self.graph.loose = self.graph.loose, fails
        self.graph.add(Assign(target, Constant(0)))
        self.graph.loose += after
        found = self.local(target)
        return Captured(Kind.INTEGER, found.expression)

    def _pure_condition(self, node: ast.expr) -> Expression:
        match node:
            case ast.BoolOp(op=ast.And(), values=operands):
                return conjunction(*map(self._pure_condition, operands))
            case ast.BoolOp(values=operands):
                return disjunction(*map(self._pure_condition, operands))
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return negation(self._pure_condition(operand))
            case _:
                return self.condition(node)

    def branch(self, node: ast.expr) -> tuple[Edges, Edges]:
        """Capture `node` as a decision: the edges where it holds, and where it does not."""
        match node:
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                holds, fails = self.branch(operand)
                return fails, holds
            case ast.BoolOp(op=operator, values=operands) if not self.pure(node):
                return self._branches(operands, all_of=isinstance(operator, ast.And))
            case ast.Compare() if len(node.ops) > 1 and not self.pure(node):
                return self._chain(node)
            case _:
                return self.graph.branch(self.condition(node))

    def _branches(self, operands: Sequence[ast.expr], *, all_of: bool) -> tuple[Edges, Edges]:
        decided: Edges = []
        going_on: Edges = self.graph.loose
        for operand in self._grouped(operands, all_of=all_of):
            self.graph.loose = going_on
            holds, fails = self.branch(operand)
            decided += fails if all_of else holds
            going_on = holds if all_of else fails
        self.graph.loose = []
        return (going_on, decided) if all_of else (decided, going_on)

    def _grouped(self, operands: Sequence[ast.expr], *, all_of: bool) -> Iterator[ast.expr]:
        """The operands, with neighbours that read nothing shared asked at once."""
        run: list[ast.expr] = []
        for operand in [*operands, None]:
            if operand is not None and self.pure(operand):
                run.append(operand)
                continue
            if run:
                operator = ast.And() if all_of else ast.Or()
                yield run[0] if len(run) == 1 else ast.BoolOp(op=operator, values=run)
                run = []
            if operand is not None:
                yield operand

    def _chain(self, node: ast.Compare) -> tuple[Edges, Edges]:
        """`a < b < c` where reading c matters: c is only read if a < b."""
        decided: Edges = []
        left = self.value(node.left)
        holds: Edges = self.graph.loose
        for operator, comparator in zip(node.ops, node.comparators, strict=True):
            self.graph.loose = holds
            right = self.value(comparator)
            holds, fails = self.graph.branch(self.compared(operator, left, right, node))
            decided += fails
            left = right
        return holds, decided

    def _comparison(self, node: ast.Compare) -> Expression:
        if isinstance(node.ops[0], ast.In | ast.NotIn) and len(node.ops) == 1:
            return self._membership(node)
        sides = (node.left, *node.comparators)
        captured = [self.value(item) for item in sides]
        for left, right in pairwise(sides):
            if is_flag_as_truth(self, left, right):
                raise self.error(
                    CONVERSION,
                    f"`{ast.unparse(node)}` compares a flag with TRUE, which is 1",
                    node,
                    "ask whether the flag is set: bits & FLAG != 0, or just: bits & FLAG",
                )
        pairs = zip(node.ops, pairwise(captured), strict=True)
        return conjunction(
            *(self.compared(operator, left, right, node) for operator, (left, right) in pairs)
        )

    def compared(
        self, operator: ast.cmpop, left: Captured, right: Captured, node: ast.AST
    ) -> Expression:
        """`left operator right`."""
        if left.stored_kind is not right.stored_kind:
            left, right = null_is_zero(left, right), null_is_zero(right, left)
        kinds = {left.stored_kind, right.stored_kind}
        if kinds == {Kind.INTEGER, Kind.NAME}:
            raise self.mixed("a number is compared with an object, a routine or NULL", node)
        a, b = left.value, right.value
        if Kind.UNKNOWN in kinds and isinstance(operator, ast.Eq | ast.NotEq):
            for one, other in ((left, right), (right, left)):
                if other.expression in (Constant(0), Constant(NULL)):  # 0 or NULL, whatever it is
                    truth = one.condition
                    return negation(truth) if isinstance(operator, ast.Eq) else truth
        match operator:
            case ast.Eq():
                return same(a, b)
            case ast.NotEq():
                return negation(same(a, b))
            case ast.Lt() | ast.LtE() | ast.Gt() | ast.GtE() if Kind.NAME in kinds:
                raise self.mixed("objects have no order", node)
            case ast.Lt():
                return before(a, b)
            case ast.LtE():
                return not_after(a, b)
            case ast.Gt():
                return before(b, a)
            case ast.GtE():
                return not_after(b, a)
            case _:
                raise self.unsupported(
                    "a comparison with `is`"
                    if isinstance(operator, ast.Is | ast.IsNot)
                    else "this",
                    node,
                    "compare with == or !=; x in (1, 2) is fine",
                )

    def _membership(self, node: ast.Compare) -> Expression:
        """`x in (A, B)`, of constants."""
        operand, listed = self.value(node.left), node.comparators[0]
        if not isinstance(listed, ast.Tuple | ast.List | ast.Set):
            raise self.unsupported(
                "`in` with anything but constants", node, "self.state in (D2, D3)"
            )
        values: list[Expression] = []
        for item in listed.elts:
            found = self.value(item)
            self.compared(ast.Eq(), operand, found, item)
            values.append(found.value)
        known = [item.value for item in values if isinstance(item, Constant)]
        alike_too = [
            each for item in known for each in (alike(item) if isinstance(item, int) else (item,))
        ]
        if len(known) != len(values):
            raise self.unsupported(
                "`in` with anything but constants", node, "compare one by one with =="
            )
        asked = member(operand.value, alike_too)
        return negation(asked) if isinstance(node.ops[0], ast.NotIn) else asked

    def _conditional(self, node: ast.IfExp) -> Captured:
        if self.pure(node.body) and self.pure(node.orelse):
            test = self.condition(node.test)
            then, otherwise = self.value(node.body), self.value(node.orelse)
            if self._one_kind(then, otherwise, node) is Kind.INTEGER:
                return Captured(Kind.INTEGER, if_then_else(test, then.value, otherwise.value))
            holds, fails = self.graph.branch(test)  # a pointer must be known at a program point
        else:
            holds, fails = self.branch(node.test)
        target = self.temporary()
        self.graph.loose = holds
        then = self.value_into(target, node.body)
        after, self.graph.loose = self.graph.loose, fails
        otherwise = self.value_into(target, node.orelse)
        self.graph.loose += after
        return Captured(self._one_kind(then, otherwise, node), self.local(target).expression)

    def _one_kind(self, then: Captured, otherwise: Captured, node: ast.AST) -> Kind:
        kinds = {then.stored_kind, otherwise.stored_kind}
        if kinds == {Kind.INTEGER, Kind.NAME}:
            raise self.mixed("one branch is a number, the other is not", node)
        return joined(then.stored_kind, otherwise.stored_kind)

    def value_into(self, target: str, node: ast.expr) -> Captured:
        """Capture `node` and make its value the local `target`."""
        match node:
            case ast.Name() | ast.Attribute() | ast.Subscript():
                denoted = self.denote(node)
                found = self.read(denoted, node, target)
                if isinstance(denoted, Location):
                    self.learn(target, found.kind)
                    return found
            case ast.Call():
                called = self.call(node, target)
                if called is None:
                    raise self.error(
                        EXPRESSION,
                        "this call has no result that could be used here",
                        node,
                        "its result goes into the local passed to it; write it as a statement",
                    )
                found = called
            case _:
                found = self.value(node)
        self.learn(target, found.stored_kind)
        if found.expression != self.local(target).expression:
            self.graph.add(Assign(target, found.value))
        return found
