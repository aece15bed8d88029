"""Expressions as Python: the fold that gives the reference explorer its meaning.

A state is a tuple with one value for each variable, in the order of the machine. An expression
becomes Python source over a tuple `s` (`s[3] == 'P0'`), which is compiled once. The source is made
from the closed union alone and all names in it are ours, so nothing of a pattern is ever run.
"""

from collections.abc import Callable, Iterable
from typing import Any, TypeAlias, assert_never

from dirql.model.algebra import interval
from dirql.model.domain import Domain, Range, Value
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
from dirql.model.machine import Check, Machine, Transition
from dirql.model.validation import MachineError

State: TypeAlias = tuple[Value, ...]
"""One value for each variable, in the order of the machine."""


class Evaluator:
    """Turns the expressions of one machine into functions of a state.

    Attributes:
        slots: the place of each variable in a state.
    """

    def __init__(self, machine: Machine) -> None:
        """Number the variables of `machine`."""
        self.slots = {item.name: slot for slot, item in enumerate(machine.variables)}
        self._domains: dict[str, Domain] = {item.name: item.domain for item in machine.variables}
        self._compiled: dict[str, Callable[[State], Any]] = {}

    def value(self, expression: Expression) -> Callable[[State], Value]:
        """The function from a state to the value of `expression` there."""
        return self._function(self._text(expression))

    def all(self, expressions: Iterable[Expression]) -> Callable[[State], bool]:
        """The function that says whether all of `expressions` are true in a state."""
        return self._function(self._text(And(tuple(expressions))))

    def after(self, transition: Transition) -> Callable[[State], State]:
        """The function from a state to the state after `transition`.

        Calling it raises `MachineError` if the transition stores a value outside the domain of
        its variable. Rules guard every such step by a check, so this is a mistake in a rule.
        """
        parts: list[str] = []
        start = 0
        for slot, name, value in sorted(
            ((self.slots[name], name, value) for name, value in transition.updates),
            key=lambda update: update[0],
        ):
            if slot > start:
                parts.append(f"*s[{start}:{slot}]")
            parts.append(self._stored(transition, name, value))
            start = slot + 1
        if start < len(self.slots):
            parts.append(f"*s[{start}:]")
        return self._function(f"({', '.join(parts)},)" if transition.updates else "s")

    def broken(self, checks: Iterable[tuple[int, Check]]) -> Callable[[State], int]:
        """The function from a state to the number of the first false check, or -1."""
        tests = (f"{number} if not {self._text(item.condition)} else" for number, item in checks)
        return self._function(" ".join([*tests, "-1"]))

    def _function(self, text: str) -> Callable[[State], Any]:
        function = self._compiled.get(text)
        if function is None:
            function = eval(f"lambda s: {text}", {"inside": _inside})  # noqa: S307 - see the top
            self._compiled[text] = function
        return function

    def _stored(self, transition: Transition, name: str, value: Expression) -> str:
        """The text of a value to be stored, with the question whether it fits if it may not."""
        text = self._text(value)
        domain = self._domains[name]
        if not isinstance(domain, Range):
            return text
        bounds = interval(value, self._domains)
        if domain.low <= bounds.low and bounds.high <= domain.high:
            return text
        place = f"transition {transition.name!r} of {transition.context!r}, variable {name!r}"
        return f"inside({text}, {domain.low}, {domain.high}, {place!r})"

    def _text(self, expression: Expression) -> str:
        match expression:
            case Constant(value):
                return repr(value) if not isinstance(value, int) or value >= 0 else f"({value})"
            case Read(variable):
                return f"s[{self.slots[variable]}]"
            case Not(operand):
                return f"(not {self._text(operand)})"
            case And(operands):
                return f"({' and '.join(map(self._text, operands))})" if operands else "True"
            case Or(operands):
                return f"({' or '.join(map(self._text, operands))})" if operands else "False"
            case Compare(operator, left, right) | Arithmetic(operator, left, right):
                return f"({self._text(left)} {operator} {self._text(right)})"
            case IfThenElse():
                return f"({self._choice(expression)})"
            case Member(operand, values):
                return f"({self._text(operand)} in {_displayed(values)})"
            case Select(index, items):
                choices = "".join(f"{self._text(item)}, " for item in items)
                inside = f"0 <= (i := {self._text(index)}) < {len(items)}"
                return f"({choices})[i if {inside} else -1]"
            case _:
                assert_never(expression)

    def _choice(self, expression: Expression) -> str:
        """Choices on the last way stand side by side: Python limits how deep brackets nest."""
        parts: list[str] = []
        while isinstance(expression, IfThenElse):
            then, condition = self._text(expression.then), self._text(expression.condition)
            parts.append(f"{then} if {condition} else")
            expression = expression.otherwise
        return " ".join([*parts, self._text(expression)])


def _displayed(values: tuple[Value, ...]) -> str:
    return f"{{{', '.join(map(repr, values))}}}" if values else "()"


def _inside(value: int, low: int, high: int, place: str) -> int:
    """`value`, if it is within `low..high`."""
    if low <= value <= high:
        return value
    raise MachineError(
        "DQ214", f"{place}: {value} is outside {low}..{high}, and no check forbids it"
    )
