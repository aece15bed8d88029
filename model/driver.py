"""A driver with its devices, as a front end delivers it: objects with fields, lines, routines.

Like `routine.py` this knows nothing of the language the driver was written in.
"""

from dataclasses import dataclass, field
from enum import Enum

from .domain import Domain
from .machine import Source
from .routine import Routine


class FieldKind(Enum):
    """What a field holds, and so how it may be used and whether accesses to it can race."""

    DATA = "data"
    """Ordinary memory: integers."""
    REGISTER = "register"
    """A device register: accesses do not race, and are possible only while the device is mapped."""
    REFERENCE = "reference"
    """Holds `NULL` or the name of an object or routine."""


@dataclass(frozen=True, slots=True)
class Field:
    """A field of an object. `domain` is a `Range`, or an `Enumeration` for references.

    Single accesses to a `volatile` field do not race; a torn read-modify-write still counts.
    `count` is the number of elements of an array field, 0 for a plain one. `initial` lists the
    possible first values. `wrapping` and `saturating` say what happens to a value that does not
    fit; without either it is the violation `value-out-of-range`.
    """

    name: str
    kind: FieldKind
    domain: Domain
    initial: tuple[int | str, ...]
    count: int = 0
    volatile: bool = False
    wrapping: bool = False
    saturating: bool = False
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Object:
    """A named thing with fields: the driver's extension, a device, a structure, a kernel object.

    `type` is `driver`, `device`, `structure`, or a WDK type: `KDPC`, `KSPIN_LOCK`, `KEVENT`,
    `KTIMER`, `IO_WORKITEM`, `IO_REMOVE_LOCK`, `DEVICE_OBJECT`, `FAST_MUTEX`. `inside` names the
    object whose memory holds it, so that it dies with it; empty when it lives for ever.
    """

    name: str
    type: str
    fields: tuple[Field, ...] = ()
    inside: str = ""
    source: Source = field(default_factory=Source)


@dataclass(frozen=True, slots=True)
class Line:
    """How a device is wired: one interrupt line, with the resources the driver was given.

    `irql` is the translated level of the vector (3 to 12), `latched` tells edge from level,
    `shared` whether a foreign device and its driver are on the same line.
    """

    device: str
    irql: int
    vector: int
    latched: bool
    shared: bool


@dataclass(frozen=True, slots=True)
class Device:
    """A device: its object's name, its wiring, and the routines that describe its behaviour.

    `asserts` computes what the wire shows; `waiting` (may be empty) whether it holds work that
    the driver must still notice; `events` may happen at any time, and those in `sure` surely
    happen once they can. Every routine of a device runs as one atomic step, whether an event or a
    register access made by the driver.
    """

    object: str
    line: Line | None
    asserts: str
    waiting: str
    events: tuple[str, ...]
    sure: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Program:
    """A driver with its devices, as a front end delivers it."""

    name: str
    objects: tuple[Object, ...]
    routines: tuple[Routine, ...]
    devices: tuple[Device, ...]
    invariants: tuple[str, ...] = ()
