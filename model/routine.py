"""Routines as control-flow graphs: what a driver does, whatever language it was written in.

The Python front end produces these graphs and the compiler reads them. Nothing here knows Python:
a second front end, reading C, produces the same graphs.

Operands are `Expression`s in which `Read(name)` means the *local* of that name. Values are
integers (C truth: zero is false), or strings that name an object, a routine or `NULL`. A read of
anything shared is its own `Load`, so that every instruction touches at most one shared location.
"""

from dataclasses import dataclass
from typing import TypeAlias

from .domain import Domain
from .expr import Constant, Expression
from .machine import Source

NULL = "NULL"

VOID = Constant(value=0)
"""What a routine without a result returns."""


@dataclass(frozen=True, slots=True)
class Place:
    """A shared location: a field of an object, or one element of an array field.

    `object` is an expression whose value is the name of an object: a constant for `self.x`, a
    local for `session.refs`.
    """

    object: Expression
    field: str
    index: Expression | None = None


@dataclass(frozen=True, slots=True)
class AddressOf:
    """The address of a place, passed to a kernel routine: `InterlockedIncrement(self.count)`."""

    place: Place


Argument: TypeAlias = Constant | AddressOf | Expression


@dataclass(frozen=True, slots=True)
class Assign:
    """`target = value`, between locals."""

    target: str
    value: Expression


@dataclass(frozen=True, slots=True)
class Load:
    """`target = place`. `starts_update` when a `Store` of the same statement writes it back."""

    target: str
    place: Place
    starts_update: bool = False


@dataclass(frozen=True, slots=True)
class Store:
    """`place = value`. `completes_update` when the value was computed from a `Load` of it."""

    place: Place
    value: Expression
    completes_update: bool = False


@dataclass(frozen=True, slots=True)
class Choose:
    """`target` becomes any of `values`; all are explored.

    `opaque` names a value nobody knows (for example the result of code outside the model). A
    violation that needs it is `Unknown`, not `Violated`.
    """

    target: str
    values: tuple[Expression, ...]
    opaque: str = ""


@dataclass(frozen=True, slots=True)
class Branch:
    """Continue at `then` if `condition` (a boolean expression) holds, else at `otherwise`."""

    condition: Expression
    then: int
    otherwise: int


@dataclass(frozen=True, slots=True)
class Call:
    """Call a routine of the driver or of its device, or a kernel routine.

    `routine` is a constant name, or a local holding one. Kernel routines have their WDK name.
    `target` receives the result; `None` when it is ignored.
    """

    target: str | None
    routine: Expression
    arguments: tuple[Argument, ...]


@dataclass(frozen=True, slots=True)
class Assert:
    """The driver author's claim that `condition` holds here."""

    condition: Expression
    detail: str


@dataclass(frozen=True, slots=True)
class Return:
    """End the routine with `value`."""

    value: Expression = VOID


Instruction: TypeAlias = Assign | Load | Store | Choose | Branch | Call | Assert | Return


@dataclass(frozen=True, slots=True)
class Node:
    """An instruction, where it is written, and the node after it (unused by branch and return)."""

    instruction: Instruction
    source: Source
    following: int = -1


@dataclass(frozen=True, slots=True)
class Routine:
    """One routine. `nodes[0]` is its entry. `domains` holds the declared domains of locals."""

    name: str
    parameters: tuple[str, ...]
    nodes: tuple[Node, ...]
    source: Source
    domains: tuple[tuple[str, Domain], ...] = ()
