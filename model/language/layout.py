"""What a driver consists of: its objects, their fields, what lies inside what, and its routines."""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum as PythonEnum
from types import FunctionType

from ..domain import Enumeration, Range
from ..driver import Field, FieldKind, Object
from ..driver import Line as Wiring
from ..kernel.world import LOCAL_STRUCTURE
from ..machine import Source
from ..routine import NULL
from .declarations import (
    KEVENT,
    PKINTERRUPT,
    Array,
    Claim,
    Device,
    Driver,
    FieldDeclaration,
    HardwareEvent,
    KernelObject,
    Number,
    Queue,
    Reference,
    RoutineReference,
    Structure,
    kind_of,
)
from .errors import DECLARATION, PatternError
from .kinds import COUNT
from .local_structures import declared_in
from .objects import refuse_repetition
from .scenarios import ScenarioDeclaration
from .source import SourceFile
from .suggest import suggestion
from .vectors import given_vectors, vector_of

DRIVER = "driver"
LOOKED_INTO = ("driver", "device", "structure", LOCAL_STRUCTURE)
"""Objects whose fields a routine may name; the others belong to the kernel."""

_BASES = (Driver, Device, Structure, object)


@dataclass(slots=True)
class Thing:
    """An object of the program, with what its class says about it.

    `members` maps the name of an embedded object to that object's own name. `routines` holds the
    functions of a driver or device; `events`, the `sure` ones of those, and `claims` name the
    marked ones among them. `queues` names the fields that are queues.
    """

    name: str
    type: str
    type_name: str
    inside: str
    source: Source
    fields: dict[str, Field] = field(default_factory=dict[str, Field])
    members: dict[str, str] = field(default_factory=dict[str, str])
    constants: dict[str, int] = field(default_factory=dict[str, int])
    routines: dict[str, FunctionType] = field(default_factory=dict[str, FunctionType])
    events: list[str] = field(default_factory=list[str])
    sure: list[str] = field(default_factory=list[str])
    claims: list[str] = field(default_factory=list[str])
    queues: set[str] = field(default_factory=set[str])
    wiring: Wiring | None = None

    def names(self) -> list[str]:
        """Everything that can follow `self.` here."""
        fields = (name for name in self.fields if not name.endswith(COUNT))
        return [*fields, *self.members, *self.constants, *self.routines]

    def routine_name(self, name: str) -> str:
        """The name in the program of one of its routines: `NICIsr`, or `nic.read_and_clear`."""
        return name if self.type == "driver" else f"{self.name}.{name}"


@dataclass(slots=True)
class Layout:
    """All objects of a driver by name, the driver itself first."""

    things: dict[str, Thing]

    @property
    def driver(self) -> Thing:
        """The driver itself."""
        return self.things[DRIVER]

    def devices(self) -> Iterator[Thing]:
        """The driver's devices, in order of declaration."""
        return (item for item in self.things.values() if item.type == "device")

    def owners(self, name: str, candidates: tuple[str, ...] | None) -> list[Thing]:
        """The objects, among `candidates` or all, that have a field or an object called `name`.

        Kernel objects are not looked into.
        """
        names = self.things if candidates is None else candidates
        among = [self.things[item] for item in names if item in self.things]
        return [
            item
            for item in among
            if item.type in LOOKED_INTO and (name in item.fields or name in item.members)
        ]

    def is_queue(self, found: Field) -> bool:
        """Whether this very field was declared as a queue."""
        return any(
            item.fields.get(found.name) is found and found.name in item.queues
            for item in self.things.values()
        )

    def objects(self) -> tuple[Object, ...]:
        """The objects as the program lists them."""
        return tuple(
            Object(item.name, item.type, tuple(item.fields.values()), item.inside, item.source)
            for item in self.things.values()
        )


def lay_out(driver: type[Driver], source: SourceFile, names: Mapping[str, object]) -> Layout:
    """Find the objects that `driver` consists of; `names` is the namespace of the module.

    Raises:
        PatternError: a declaration in the driver, a device or a structure is wrong.
    """
    builder = _Builder(source)
    builder.driver(driver)
    for name, kind in declared_in(builder.things[DRIVER].routines, source, names):
        builder.local_structure(name, kind)
    builder.resolve()
    return Layout(builder.things)


class _Builder:
    """Walks from the driver class into what it declares."""

    def __init__(self, source: SourceFile) -> None:
        self.source = source
        self.things: dict[str, Thing] = {}
        self.classes: dict[str, type] = {}
        self.given: set[int] = set()
        self.late: list[tuple[Thing, str, FieldDeclaration | Array]] = []

    def driver(self, kind: type[Driver]) -> None:
        thing = self.thing(DRIVER, "driver", kind, inside="")
        self.given = given_vectors(declared(kind))
        for name, value in declared(kind):
            inner = name if name != DRIVER else f"{DRIVER}.{name}"
            match value:
                case Device():
                    self.device(thing, name, inner, value)
                case _:
                    self.member(thing, kind, name, inner, value)

    def device(self, owner: Thing, name: str, inner: str, value: Device) -> None:
        kind = type(value)
        thing = self.thing(inner, "device", kind, inside="")
        owner.members[name] = inner
        wiring = getattr(value, "wiring", None)
        if wiring is not None:
            place = self.source.declaration(owner.type_name, name)
            taken = {item.wiring.vector: item.name for item in self.things.values() if item.wiring}
            vector = vector_of(name, wiring, taken, self.given, self.source, place)
            thing.wiring = Wiring(inner, wiring.irql, vector, wiring.latched, wiring.shared)
            thing.constants.update(Irql=wiring.irql, Vector=vector)
        for field_name, item in declared(kind):
            if isinstance(item, Reference | RoutineReference | PKINTERRUPT | KernelObject):
                raise self.wrong(
                    kind,
                    field_name,
                    f"a device has registers only; `{field_name}` is memory of the driver",
                    "move it to the Driver class",
                )
            self.member(thing, kind, field_name, "", item)
            if wiring is not None and field_name in ("Irql", "Vector"):
                raise self.wrong(
                    kind,
                    field_name,
                    f"`{field_name}` of a device with a line is that of its resource",
                    "give the register another name",
                )
        if wiring is not None and "line" not in thing.routines:
            raise self.wrong(
                kind,
                "",
                f"{kind.__name__} is wired to a line but does not say what the line shows",
                "def line(self): return self.cause and not self.masked",
            )

    def member(self, thing: Thing, kind: type, name: str, inner: str, value: object) -> None:
        match value:
            case Number() | Reference() | RoutineReference() | PKINTERRUPT() | Array():
                self.late.append((thing, name, value))
                thing.fields[name] = _unresolved(name)
                if isinstance(value, Queue):
                    thing.queues.add(name)
                    counted = Number(0, value.count, 0, volatile=value.element.volatile)
                    self.late.append((thing, f"{name}{COUNT}", counted))
                    thing.fields[f"{name}{COUNT}"] = _unresolved(f"{name}{COUNT}")
            case KernelObject():
                thing.members[name] = inner
                self.kernel_object(thing, kind, name, inner, value)
            case Structure():
                thing.members[name] = inner
                self.structure(thing, inner, value)
            case FunctionType() | HardwareEvent() | Claim():
                self.routine(thing, kind, name, value)
            case int():
                thing.constants[name] = int(value)
            case ScenarioDeclaration() | list() if name in ("scenario", "scenarios"):
                pass
            case _:
                raise self.wrong(
                    kind,
                    name,
                    f"`{name}` is not something a {thing.type} can have",
                    "declare a field (Bit, Int, Enum, Array, Reference), an embedded object such "
                    "as KDPC(), a constant integer, or a routine"
                    + suggestion(_called(value), ("Bit", "Int", "Enum", "Array", "Reference")),
                )

    def kernel_object(
        self, owner: Thing, kind: type, name: str, inner: str, value: KernelObject
    ) -> None:
        source = self.position(kind, name)
        self.claim_name(inner, kind, name)
        thing = Thing(inner, value.type, type(value).__name__, owner.name, source)
        if isinstance(value, KEVENT):
            fixed = value.type_of_event
            thing.fields["type"] = Field("type", FieldKind.DATA, Range(fixed, fixed), (fixed,))
            thing.fields["signalled"] = Field(
                "signalled", FieldKind.DATA, Range(0, 1), (value.state,)
            )
        self.things[inner] = thing

    def structure(self, owner: Thing, inner: str, value: Structure) -> None:
        kind = type(value)
        thing = self.thing(inner, "structure", kind, inside=owner.name)
        if not getattr(value, "allocated", True):
            thing.fields["allocated"] = Field("allocated", FieldKind.DATA, Range(0, 0), (0,))
        for name, item in declared(kind):
            if isinstance(item, Device | FunctionType | HardwareEvent | Claim):
                raise self.wrong(
                    kind,
                    name,
                    f"a structure holds data, and `{name}` is not",
                    "make it a routine of the Driver class that takes the structure as parameter",
                )
            self.member(thing, kind, name, f"{inner}.{name}", item)

    def local_structure(self, name: str, kind: type) -> None:
        thing = self.thing(name, LOCAL_STRUCTURE, kind, inside="")
        for inner, item in declared(kind):
            if not isinstance(item, Number | Reference | RoutineReference | PKINTERRUPT | Array):
                raise self.wrong(
                    kind,
                    inner,
                    f"a structure on the stack of a routine holds fields, and `{inner}` is none",
                    "make the structure a member of the Driver class: request = Request()",
                )
            self.member(thing, kind, inner, f"{name}.{inner}", item)

    def routine(
        self, thing: Thing, kind: type, name: str, value: FunctionType | HardwareEvent | Claim
    ) -> None:
        function = value if isinstance(value, FunctionType) else value.function
        if not isinstance(function, FunctionType) or thing.type not in ("driver", "device"):
            raise self.wrong(kind, name, f"`{name}` is not a routine", "def name(self): ...")
        if isinstance(value, HardwareEvent):
            if thing.type != "device":
                hint = "move it to the Device class; a driver's routines are called by the system"
                raise self.wrong(kind, name, f"`{name}` is no event of a device", hint)
            thing.events.append(name)
            if value.sure:
                thing.sure.append(name)
        if isinstance(value, Claim):
            if thing.type != "driver":
                hint = "move it to the Driver class, where it can see every device"
                raise self.wrong(kind, name, f"`{name}` claims something inside a device", hint)
            thing.claims.append(name)
        thing.routines[name] = function

    def thing(self, name: str, type_name: str, kind: type, inside: str) -> Thing:
        self.claim_name(name, kind, "")
        refuse_repetition(kind, declared(kind), self.source)
        found = Thing(name, type_name, kind.__name__, inside, self.position(kind, ""))
        self.things[name] = found
        self.classes[name] = kind
        return found

    def claim_name(self, name: str, kind: type, field_name: str) -> None:
        if name in self.things or name == NULL:
            raise self.wrong(kind, field_name, f"the name `{name}` is taken", "choose another one")

    def resolve(self) -> None:
        for thing, name, value in self.late:
            declaration = value.element if isinstance(value, Array) else value
            count = value.count if isinstance(value, Array) else 0
            thing.fields[name] = self.field(thing, name, declaration, count)

    def field(self, thing: Thing, name: str, value: FieldDeclaration, count: int) -> Field:
        kind = kind_of(value, register=thing.type == "device")
        volatile = value.volatile
        match value:
            case Number():
                return Field(
                    name, kind, Range(value.low, value.high), value.initial, count, volatile,
                    value.wrapping, value.saturating, value.labels,
                )  # fmt: skip
            case PKINTERRUPT():
                interrupts = Enumeration("interrupt", (NULL,))
                return Field(name, kind, interrupts, (NULL,), count, volatile)
            case RoutineReference():
                known = list(self.things[DRIVER].routines)
                for routine in value.routines:
                    self.known(thing, name, f"routine `{routine}`", routine, known)
                domain = Enumeration("routine", (NULL, *dict.fromkeys(value.routines)))
            case Reference():
                domain = self.instances(thing, name, value)
        self.known(thing, name, f"initial value `{value.initial}`", value.initial, domain.labels)
        return Field(name, kind, domain, (value.initial,), count, volatile)

    def instances(self, thing: Thing, name: str, value: Reference) -> Enumeration:
        names = {item.__name__: item for item in self.classes.values()}
        target = value.target
        if isinstance(target, str):
            self.known(thing, name, f"structure class `{target}`", target, list(names))
            target = names[target]
        if issubclass(target, KernelObject):
            wanted = target.type
            found = [inner for inner, item in self.things.items() if item.type == wanted]
        else:
            found = [
                inner
                for inner, kind in self.classes.items()
                if self.things[inner].type in LOOKED_INTO[2:] and issubclass(kind, target)
            ]
        return Enumeration(target.__name__, (NULL, *found))

    def known(
        self, thing: Thing, name: str, what: str, wanted: str, names: "list[str] | tuple[str, ...]"
    ) -> None:
        if wanted not in names:
            kind = self.classes[thing.name]
            available = ", ".join(names) or "none"
            hint = f"there are: {available}{suggestion(wanted, names)}"
            raise self.wrong(kind, name, f"`{name}` names an unknown {what}", hint)

    def wrong(self, kind: type, name: str, message: str, hint: str) -> PatternError:
        return self.source.error(DECLARATION, message, self.place(kind, name), hint)

    def place(self, kind: type, name: str) -> ast.AST | None:
        for base in kind.__mro__:
            if not name or name in vars(base):
                return self.source.declaration(base.__name__, name)
        return None

    def position(self, kind: type, name: str) -> Source:
        node = self.place(kind, name)
        if not isinstance(node, ast.stmt):
            return Source(self.source.path, 0, kind.__name__)
        return Source(
            self.source.path, node.lineno, kind.__name__, self.source.line(node.lineno).strip()
        )


def declared(kind: type) -> list[tuple[str, object]]:
    """What the class and its own bases declare, in order; a derived class replaces in place."""
    found: dict[str, object] = {}
    for base in reversed(kind.__mro__):
        if base not in _BASES:
            found.update(
                (name, value) for name, value in vars(base).items() if not _is_internal(name, value)
            )
    return list(found.items())


def _is_internal(name: str, value: object) -> bool:
    """Whether Python itself put `name` into the class; a constructor is no routine either."""
    return name.startswith("__") and (
        not callable(value)
        or isinstance(value, type)
        or name in ("__annotate__", "__annotate_func__")
    )


def _called(value: object) -> str:
    if isinstance(value, PythonEnum):
        return "Enum"
    return value.__name__ if isinstance(value, type) else type(value).__name__


def _unresolved(name: str) -> Field:
    return Field(name, FieldKind.DATA, Range(0, 0), (0,))
