"""How kernel routines are called: their parameters, in the order of the WDK."""

from dataclasses import dataclass
from enum import Enum

from .c_types import POINTER, CType
from .callbacks import Callback


class Passing(Enum):
    """What the caller writes for a parameter."""

    VALUE = "value"
    """An integer, a reference, a routine, or an embedded object (which is passed by name)."""
    ADDRESS = "address"
    """The address of a field of a driver, device or structure object: in C, `&Extension->Field`."""
    OUT = "out"
    """A local that receives a result: in C, `&OldIrql`."""
    STRUCTURE = "structure"
    """A local structure, filled member by member before the call."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter, or a member of a structure (`FullySpecified.Irql`).

    A parameter with a `default` may be left out; a member left out has its default, because
    structures are zeroed first. The rule of a `known` parameter needs its value, so a caller that
    passes data has one step for each value the data can have (at most 16).

    `type` is its C type, which the argument becomes; `calls` is what Windows calls the routine as
    that is passed.
    """

    name: str
    passing: Passing = Passing.VALUE
    default: int | str | None = None
    members: tuple["Parameter", ...] = ()
    known: bool = False
    type: CType = POINTER
    calls: Callback | None = None
