"""Expressions: what guards, updates and checks are made of.

A closed union of frozen dataclasses and nothing else. A Python callable in a transition could be
run, but neither compiled nor proved; an expression can be all three. Each reader (the reference
explorer, the native engine, the Z3 reader) is one fold over this union, written with `match` and
`assert_never`: a new node is a type error in every reader until it handles it.

Arithmetic is on unbounded integers. Domains bound variables, not intermediate results: whether a
result fits is asked where it is stored (`machine.py`).
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from .domain import Value


@dataclass(frozen=True, slots=True)
class Constant:
    """A boolean, an integer, or the label of an enumeration."""

    value: Value


@dataclass(frozen=True, slots=True)
class Read:
    """The value of the variable called `variable` in the state before the step."""

    variable: str


@dataclass(frozen=True, slots=True)
class Not:
    """The negation of a boolean."""

    operand: "Expression"


@dataclass(frozen=True, slots=True)
class And:
    """True when every operand is; the empty conjunction is true."""

    operands: tuple["Expression", ...]


@dataclass(frozen=True, slots=True)
class Or:
    """True when some operand is; the empty disjunction is false."""

    operands: tuple["Expression", ...]


Comparison: TypeAlias = Literal["==", "!=", "<", "<="]
"""`==` and `!=` compare any two values of one kind, the others integers. There is no `>`: swap."""


@dataclass(frozen=True, slots=True)
class Compare:
    """`left` compared with `right`: a boolean."""

    operator: Comparison
    left: "Expression"
    right: "Expression"


Operation: TypeAlias = Literal["+", "-", "*", "//", "%", "&", "|", "^", "<<", ">>"]
"""As in Python. `//` and `%` need a positive constant on the right, shifts one from 0 to 31."""


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """An integer computed from two integers."""

    operator: Operation
    left: "Expression"
    right: "Expression"


@dataclass(frozen=True, slots=True)
class IfThenElse:
    """`then` where `condition` is true, else `otherwise`; both are of one kind."""

    condition: "Expression"
    then: "Expression"
    otherwise: "Expression"


@dataclass(frozen=True, slots=True)
class Member:
    """True when `operand` is one of `values`: constants, sorted, without repetition.

    Program counters are asked this way ("is it at one of these points"), and a reader may turn
    the question into one bit test.
    """

    operand: "Expression"
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Select:
    """`items[index]`: an array read. An index outside the items has the value of the last item.

    Whoever builds a `Select` from a program's index adds a check for the range beside it; the
    rule for the outside only makes every expression total.
    """

    index: "Expression"
    items: tuple["Expression", ...]


Expression: TypeAlias = (
    Constant | Read | Not | And | Or | Compare | Arithmetic | IfThenElse | Member | Select
)

TRUE = Constant(value=True)
FALSE = Constant(value=False)
