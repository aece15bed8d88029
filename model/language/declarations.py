"""What a pattern is written with: base classes, fields and embedded objects.

A pattern's module level runs as Python, so these are ordinary classes whose instances remember what
was declared. The bodies of routines never run: they are captured from source.
"""

from collections.abc import Callable, Iterable
from enum import IntEnum
from functools import partial
from typing import ClassVar, TypeAlias, overload

from ..driver import FieldKind
from ..routine import NULL
from .errors import MisuseError
from .words import alike

Initial: TypeAlias = int | Iterable[int] | None

WIDEST_ENUMERATION = 4096
"""Between the least and the greatest member; what lies between has a label too."""

LOWEST_DEVICE_IRQL, HIGHEST_DEVICE_IRQL = 3, 12


def _initial_values(initial: Initial, low: int, high: int) -> tuple[int, ...]:
    if initial is None:
        return (0 if low <= 0 <= high else low,)
    given = [initial] if isinstance(initial, int) else list(initial)
    found = tuple(sorted({_within(int(value), low, high) for value in given}))
    if not found:
        raise MisuseError("there is no initial value", "give one value, or a set such as {0, 1}")
    for value in found:
        if not low <= value <= high:
            raise MisuseError(
                f"the initial value {value} is outside {low}..{high}",
                "widen the bounds or start inside them",
            )
    return found


def _within(value: int, low: int, high: int) -> int:
    """A value with its 32 bits read with the sign that these bounds have, else as it is given."""
    return next((item for item in alike(value) if low <= item <= high), value)


class Number:
    """A field that holds an integer: what `Bit`, `Int` and `Enum` declare."""

    def __init__(
        self,
        low: int,
        high: int,
        initial: Initial,
        *,
        volatile: bool = False,
        wrapping: bool = False,
        saturating: bool = False,
        labels: tuple[str, ...] = (),
    ) -> None:
        """Remember the declaration; see the classes derived from this one."""
        if low > high:
            raise MisuseError(
                f"the bounds {low}..{high} hold no value", "write the smaller bound first"
            )
        if wrapping and saturating:
            raise MisuseError(
                "a field cannot both wrap and saturate",
                "wrapping=True for C unsigned arithmetic, saturating=True for a counter that "
                "sticks at its bound",
            )
        self.low, self.high = low, high
        self.initial = _initial_values(initial, low, high)
        self.volatile, self.wrapping, self.saturating = volatile, wrapping, saturating
        self.labels = labels


class Bit(Number):
    """A field or register of one bit: `masked = Bit(1)` starts as 1."""

    def __init__(self, initial: Initial = 0, *, volatile: bool = False) -> None:
        """Declare a bit; `initial` may be a set of values, all of which are explored."""
        super().__init__(0, 1, initial, volatile=volatile)


class Int(Number):
    """A bounded integer: `pending = Int(0, 7)`. Leaving the bounds is a violation.

    `wrapping=True` reduces modulo the number of values instead, as C unsigned types do;
    `saturating=True` sticks at the bound, and the verdict says that it did.
    """

    def __init__(
        self,
        low: int,
        high: int,
        initial: Initial = None,
        *,
        volatile: bool = False,
        wrapping: bool = False,
        saturating: bool = False,
    ) -> None:
        """Declare an integer from `low` to `high`, both included, at first 0 or else `low`."""
        super().__init__(
            low, high, initial, volatile=volatile, wrapping=wrapping, saturating=saturating
        )


class Enum(Number):
    """A field that holds a member of an `IntEnum`: `state = Enum(DevicePower.D3)`."""

    def __init__(
        self,
        member: object,
        initial: Initial = None,
        *,
        volatile: bool = False,
    ) -> None:
        """Declare by the first value, or by the class with `initial`."""
        kind = member if isinstance(member, type) else type(member)
        if not issubclass(kind, IntEnum) or not list(kind):
            raise MisuseError(
                "Enum() needs a member of an IntEnum",
                "class Power(IntEnum): D0 = 1; D3 = 4    then    state = Enum(Power.D3)",
            )
        if initial is None:
            initial = int(member) if isinstance(member, IntEnum) else next(iter(kind))
        names = {int(item): item.name for item in kind}
        low, high = min(names), max(names)
        if high - low > WIDEST_ENUMERATION:
            raise MisuseError(
                f"the members of {kind.__name__} are {high - low} apart, more than "
                f"{WIDEST_ENUMERATION}",
                "number them closer together: what matters is which one it is",
            )
        labels = tuple(names.get(value, str(value)) for value in range(low, high + 1))
        super().__init__(low, high, initial, volatile=volatile, labels=labels)


class Reference:
    """A pointer to one of the structures of a class, or NULL: `current = Reference(Request)`.

    A pointer to a kernel object, in C `PKSPIN_LOCK`, is `Reference(KSPIN_LOCK)`.
    """

    def __init__(self, target: object, initial: str = NULL, *, volatile: bool = False) -> None:
        """Declare a pointer; a class defined further down is given by its name in quotes."""
        if not isinstance(target, str) and not (
            isinstance(target, type) and issubclass(target, Structure | KernelObject)
        ):
            raise MisuseError(
                "Reference() needs a class derived from Structure, or a kernel object's",
                "class Request(Structure): ...    then    current = Reference(Request)",
            )
        self.target: str | type[Structure | KernelObject] = target
        self.initial, self.volatile = initial, volatile


class RoutineReference:
    """A stored callback: one of the named routines of the driver, or NULL."""

    def __init__(self, *routines: object, initial: str = NULL, volatile: bool = False) -> None:
        """Declare a callback field by the names of the routines it may hold."""
        names = tuple(name for name in routines if isinstance(name, str))
        if not names or len(names) != len(routines):
            raise MisuseError(
                "RoutineReference() needs the names of the routines it may hold",
                'callback = RoutineReference("Complete", "Cancel")',
            )
        self.routines, self.initial, self.volatile = names, initial, volatile


class PKINTERRUPT:
    """A pointer to an interrupt object: NULL until a connect call stores one."""

    def __init__(self, *, volatile: bool = False) -> None:
        """Declare the pointer."""
        self.volatile = volatile


FieldDeclaration: TypeAlias = Number | Reference | RoutineReference | PKINTERRUPT


MOST_ENTRIES = 16
"""Of a queue; popping moves the entries one by one."""
MOST_ELEMENTS = 1024
"""Of an array; each is a variable of its own."""


class Array:
    """An array field: `ring = Array(Int(0, 3), 4)`, read and written as `self.ring[i]`."""

    def __init__(self, element: object, count: object) -> None:
        """Declare `count` elements, each as `element` says."""
        if not isinstance(element, Number | Reference | RoutineReference | PKINTERRUPT):
            raise MisuseError(
                "the elements of an Array must be fields",
                "ring = Array(Int(0, 3), 4); declare structures one by one",
            )
        if not isinstance(count, int) or count < 1:
            raise MisuseError("an Array needs at least one element", "ring = Array(Int(0, 3), 4)")
        if count > MOST_ELEMENTS:
            raise MisuseError(
                f"an Array has at most {MOST_ELEMENTS} elements",
                "ring = Array(Int(0, 3), 4); few elements show what many would",
            )
        self.element, self.count = element, count


class Queue(Array):
    """A queue field: `work = Queue(Int(0, 3), 4)`, first in, first out.

    Used as `self.work.append(x)`, `self.work.pop()`, `self.work.empty()`, `self.work.full()`,
    `self.work.count()`.
    """

    def __init__(self, element: object, capacity: object) -> None:
        """Declare room for `capacity` entries, each as `element` says."""
        if not isinstance(element, Number | Reference | RoutineReference | PKINTERRUPT):
            raise MisuseError(
                "the entries of a Queue must be fields",
                "work = Queue(Int(0, 3), 4), or Queue(Reference(Request), 2) for structures",
            )
        if not isinstance(capacity, int) or not 1 <= capacity <= MOST_ENTRIES:
            raise MisuseError(
                f"a Queue has room for 1 to {MOST_ENTRIES} entries",
                "work = Queue(Int(0, 3), 4); few entries show what many would",
            )
        super().__init__(element, capacity)


class KernelObject:
    """A kernel object that lives inside the driver's extension or a structure."""

    type: ClassVar[str]


class KDPC(KernelObject):
    """A deferred procedure call object."""

    type = "KDPC"


class KSPIN_LOCK(KernelObject):  # noqa: N801  (the WDK's name)
    """An executive spin lock."""

    type = "KSPIN_LOCK"


class FAST_MUTEX(KernelObject):  # noqa: N801  (the WDK's name)
    """A fast mutex."""

    type = "FAST_MUTEX"


class KTIMER(KernelObject):
    """A kernel timer."""

    type = "KTIMER"


class IO_WORKITEM(KernelObject):  # noqa: N801  (the WDK's name)
    """A work item."""

    type = "IO_WORKITEM"


class IO_REMOVE_LOCK(KernelObject):  # noqa: N801  (the WDK's name)
    """A remove lock: who uses the device acquires it, and removal waits for all of them."""

    type = "IO_REMOVE_LOCK"


class DEVICE_OBJECT(KernelObject):  # noqa: N801  (the WDK's name)
    """A device object, with the DPC that `IoInitializeDpcRequest` and `IoRequestDpc` use."""

    type = "DEVICE_OBJECT"


class KEVENT(KernelObject):
    """An event: `stopped = KEVENT(NotificationEvent, FALSE)`, ready to be used."""

    type = "KEVENT"

    def __init__(self, type_of_event: int = 0, state: int = 0) -> None:
        """Declare an event: 0 notification, 1 synchronisation; `state` 1 is signalled."""
        for name, value in (("type", type_of_event), ("state", state)):
            if value not in (0, 1):
                raise MisuseError(
                    f"the {name} of a KEVENT is 0 or 1, not {value!r}",
                    "KEVENT(NotificationEvent, FALSE) or KEVENT(SynchronizationEvent, FALSE)",
                )
        self.type_of_event, self.state = int(type_of_event), int(state)


class Structure:
    """A structure of the driver: fields and embedded kernel objects, with a lifetime of its own."""

    def __init__(self, *, allocated: bool = True) -> None:
        """Declare an instance; with `allocated=False` it must be allocated before its first use."""
        self.allocated = allocated


class Line:
    """How a device is wired: `Line(irql=7, mode=LevelSensitive, shared=True)`.

    `irql` is the translated level of the vector, 3 to 12; `vector` is made up where it is left out,
    another one for each device;
    `shared` puts a foreign device with its own driver on the same line.
    """

    def __init__(
        self, irql: object, vector: object = None, mode: int = 0, *, shared: bool = False
    ) -> None:
        """Declare the wiring; `mode` is LevelSensitive or Latched."""
        if not isinstance(irql, int) or not LOWEST_DEVICE_IRQL <= irql <= HIGHEST_DEVICE_IRQL:
            raise MisuseError(
                f"a device interrupts at IRQL {LOWEST_DEVICE_IRQL} to {HIGHEST_DEVICE_IRQL}, "
                f"not {irql!r}",
                "Line(irql=7)",
            )
        if mode not in (0, 1):
            raise MisuseError(f"the mode of a line is LevelSensitive or Latched, not {mode!r}")
        if vector is not None and not isinstance(vector, int):
            raise MisuseError(f"a vector is a number, not {vector!r}", "Line(irql=7, vector=0x71)")
        self.irql = irql
        self.vector = vector
        self.latched, self.shared = bool(mode), bool(shared)


class Device:
    """A device: its registers, what its line shows, and what it may do by itself.

    A subclass declares registers, a routine `line` that computes the line from them, `@hardware`
    routines that may happen at any time, and routines for register accesses with an effect.
    Every routine of a device runs as one atomic step.
    """

    def __init__(self, wiring: object = None) -> None:
        """Make a device wired to `wiring`, or to no interrupt line at all."""
        if wiring is not None and not isinstance(wiring, Line):
            raise MisuseError("a device is wired by a Line", "nic = E100(Line(irql=7))")
        self.wiring = wiring


class Driver:
    """A driver: its device extension as fields, its routines as methods."""


class HardwareEvent:
    """A routine of a device that may happen at any time: what `@hardware` makes."""

    def __init__(self, function: Callable[..., object], *, sure: bool = False) -> None:
        """Remember the function, and whether the device is sure to do it once it can."""
        self.function, self.sure = function, sure


class Claim:
    """A routine that must return true in every state: what `@invariant` makes."""

    def __init__(self, function: Callable[..., object]) -> None:
        """Remember the function."""
        self.function = function


@overload
def hardware(function: Callable[..., object]) -> HardwareEvent: ...
@overload
def hardware(*, sure: bool) -> Callable[[Callable[..., object]], HardwareEvent]: ...
def hardware(
    function: Callable[..., object] | None = None, *, sure: bool = False
) -> HardwareEvent | Callable[[Callable[..., object]], HardwareEvent]:
    """Declare a routine of a device as an event that may happen at any time.

    With `sure=True` the device is sure to do it, sooner or later, whenever it would change
    something: it lowers its line some time after the acknowledgement.
    """
    if function is None:
        return partial(HardwareEvent, sure=sure)
    return HardwareEvent(function, sure=sure)


def invariant(function: Callable[..., object]) -> Claim:
    """Declare a routine of the driver as a claim about every state, at any step of anybody."""
    return Claim(function)


def kind_of(declaration: FieldDeclaration, *, register: bool) -> FieldKind:
    """What a field so declared is, in the terms of `routine.py`."""
    if not isinstance(declaration, Number):
        return FieldKind.REFERENCE
    return FieldKind.REGISTER if register else FieldKind.DATA
