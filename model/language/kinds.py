"""What a captured expression denotes, and what is known of the locals of all routines.

C has one notion of truth for numbers and pointers; here they are told apart: a number is true when
it is not 0, a name (of an object or a routine) when it is not `NULL`.
"""

from dataclasses import dataclass, field
from enum import Enum

from ..algebra import equal, if_then_else, member, negation, not_equal
from ..domain import Enumeration
from ..driver import Field as FieldOf
from ..driver import FieldKind
from ..expr import FALSE, TRUE, Constant, Expression, IfThenElse
from ..routine import NULL, Place


class Kind(Enum):
    """What a value is."""

    INTEGER = "a number"
    CONDITION = "a condition"
    NAME = "an object, a routine or NULL"
    UNKNOWN = "of unknown kind"


@dataclass(frozen=True, slots=True)
class Captured:
    """A value without side effects: an expression over locals.

    `candidates` lists the objects it can name, where that is known.
    """

    kind: Kind
    expression: Expression
    candidates: tuple[str, ...] | None = None

    @property
    def condition(self) -> Expression:
        """Its truth, as a boolean expression."""
        match self.kind:
            case Kind.CONDITION:
                return self.expression
            case Kind.INTEGER:
                return not_equal(self.expression, Constant(0))
            case Kind.NAME:
                return not_equal(self.expression, Constant(NULL))
            case Kind.UNKNOWN:
                return negation(member(self.expression, (0, NULL)))

    @property
    def value(self) -> Expression:
        """Its value as C stores it: a condition is 1 or 0."""
        if self.kind is not Kind.CONDITION:
            return self.expression
        if self.expression in (TRUE, FALSE):
            return Constant(int(self.expression == TRUE))
        return IfThenElse(self.expression, Constant(1), Constant(0))

    @property
    def stored_kind(self) -> Kind:
        """The kind of `value`."""
        return Kind.INTEGER if self.kind is Kind.CONDITION else self.kind


def number(value: int) -> Captured:
    """A known integer."""
    return Captured(Kind.INTEGER, Constant(value))


def named(name: str) -> Captured:
    """A known object, routine or `NULL`."""
    return Captured(Kind.NAME, Constant(name), (name,))


def condition(expression: Expression) -> Captured:
    """A truth value."""
    return Captured(Kind.CONDITION, expression)


def null_is_zero(value: Captured, beside: Captured) -> Captured:
    """`value`, where it is a 0 beside an address: then it is NULL."""
    if value.expression == Constant(0) and beside.stored_kind is Kind.NAME:
        return named(NULL)
    return value


def joined(left: Kind, right: Kind) -> Kind:
    """The kind of something that is one or the other."""
    return left if left is right else Kind.UNKNOWN


def chosen_object(operand: Expression, names: dict[str, str]) -> Expression:
    """`names[operand]`, for the object that `operand` names; `NULL` has nothing inside."""
    result: Expression = Constant(NULL)
    for owner, inner in reversed(names.items()):
        result = if_then_else(equal(operand, Constant(owner)), Constant(inner), result)
    return result


@dataclass(frozen=True, slots=True)
class Location:
    """A shared location: a field, or one element of it."""

    object: Expression
    field: FieldOf
    index: Expression | None = None

    @property
    def kind(self) -> Kind:
        """The kind of what it holds."""
        return Kind.NAME if self.field.kind is FieldKind.REFERENCE else Kind.INTEGER

    @property
    def candidates(self) -> tuple[str, ...] | None:
        """The objects that it can name."""
        domain = self.field.domain
        if isinstance(domain, Enumeration) and domain.name != "interrupt":
            return domain.labels
        return None


COUNT = " count"
"""What follows the name of a queue in the name of the field that counts its entries."""


@dataclass(frozen=True, slots=True)
class QueueOperation:
    """An operation of a queue field: `self.work.append`."""

    location: Location
    operation: str
    shown: str

    @property
    def capacity(self) -> int:
        """How many entries there is room for."""
        return self.location.field.count

    @property
    def count(self) -> Place:
        """Where the number of entries is kept."""
        return Place(self.location.object, f"{self.location.field.name}{COUNT}")

    def entry(self, index: Expression) -> Place:
        """Where an entry is kept; the first is at 0."""
        return Place(self.location.object, self.location.field.name, index)


@dataclass(frozen=True, slots=True)
class RoutineOf:
    """A routine of the driver or of a device: its name in the program and its parameters."""

    name: str
    short: str
    device: bool
    event: bool


@dataclass(frozen=True, slots=True)
class LocalMember:
    """A local structure, or a part of it: `params`, `params.FullySpecified.Irql`."""

    local: str
    type: str
    path: str = ""


@dataclass(frozen=True, slots=True)
class Global:
    """Something of the module level that is no value by itself: a class, a kernel routine."""

    value: object
    shown: str


@dataclass(slots=True)
class Knowledge:
    """What is known of the kinds of locals and results; grows until nothing changes."""

    locals: dict[tuple[str, str], Kind] = field(default_factory=dict[tuple[str, str], Kind])
    results: dict[str, Kind] = field(default_factory=dict[str, Kind])

    def learn_local(self, routine: str, name: str, kind: Kind) -> None:
        """Some value of this kind goes into the local."""
        known = self.locals.get((routine, name))
        self.locals[routine, name] = kind if known is None else joined(known, kind)

    def learn_result(self, routine: str, kind: Kind) -> None:
        """The routine may return a value of this kind."""
        known = self.results.get(routine)
        self.results[routine] = kind if known is None else joined(known, kind)

    def copy(self) -> "Knowledge":
        """The same knowledge, apart from this one."""
        return Knowledge(dict(self.locals), dict(self.results))
