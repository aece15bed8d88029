"""What rules can see of the system they run in: objects, variables, and facts found so far.

The compiler explores every context, and rules tell it things on the way: this call connects such an
object, that memory can be freed. Such `Facts` only ever grow. When a pass over all contexts adds
one, the compiler starts over with what it learnt, until a pass adds nothing.
"""

from dataclasses import dataclass, field

from ..algebra import disjunction, equal
from ..domain import CONTEXT, PROCESSOR, Boolean, Domain, Enumeration, Range, Value
from ..driver import Field, Line, Object
from ..expr import Constant, Expression, Read
from ..machine import SHARED, Variable
from .knobs import Knobs

NONE = Constant("none")

LOCAL_STRUCTURE = "local structure"
"""The type of a structure on a routine's stack, and the kind of the fact that a context has one."""

DRIVER = "driver"
"""The object that holds the driver's own fields: the device extension."""

UNUSED, ALLOCATED, CONNECTED, INACTIVE, DISCONNECTING, DISCONNECTED = (
    "unused",
    "allocated",
    "connected",
    "inactive",
    "disconnecting",
    "disconnected",
)
LIVE = (ALLOCATED, CONNECTED, INACTIVE, DISCONNECTING)
"""States in which the interrupt object's memory exists."""

NEVER_CONNECTED = (UNUSED, ALLOCATED)
"""States before the first connect call that armed a vector for the interrupt object."""

INTERRUPT_STATE = Enumeration(
    "interrupt state", (UNUSED, ALLOCATED, CONNECTED, INACTIVE, DISCONNECTING, DISCONNECTED)
)


@dataclass(frozen=True, slots=True)
class Registration:
    """What one connect call registers: everything about it that is known statically."""

    line: str
    routine: str
    service_context: Value
    lock: str
    irql: int
    synchronize_irql: int
    latched: bool
    shared: bool
    processors: tuple[str, ...]
    version: int


_MOST_WIDENINGS = 24
_WIDEST_GROWN = 512
"""How often, and how far, the bounds of a local grow before they are left as they are."""


@dataclass(slots=True)
class Facts:
    """What is known of the driver as a whole. `grew` tells whether the current pass added any."""

    registrations: list[Registration] = field(default_factory=list[Registration])
    connect_points: dict[Registration, set[str]] = field(
        default_factory=dict[Registration, set[str]]
    )
    sets: dict[str, set[tuple[Value, ...]]] = field(
        default_factory=dict[str, set[tuple[Value, ...]]]
    )
    local_domains: dict[str, Range] = field(default_factory=dict[str, Range])
    widenings: dict[str, int] = field(default_factory=dict[str, int])
    grew: bool = False

    def widen(self, local: str, found: Range) -> Range:
        """Bounds for a local that can now have the values `found` as well.

        They grow a few times at most: a local that counts would never be wide enough.
        """
        known = self.local_domains.get(local, found)
        wider = Range(min(known.low, found.low), max(known.high, found.high))
        grows = wider.high - wider.low < _WIDEST_GROWN
        if wider != known and grows and self.widenings.get(local, 0) < _MOST_WIDENINGS:
            self.widenings[local] = self.widenings.get(local, 0) + 1
            return wider
        return known

    def add(self, kind: str, *values: Value) -> None:
        """Remember `values` under `kind`."""
        known = self.sets.setdefault(kind, set())
        if values not in known:
            known.add(values)
            self.grew = True

    def has(self, kind: str, *values: Value) -> bool:
        """Whether `values` was remembered under `kind`."""
        return values in self.sets.get(kind, ())

    def all(self, kind: str) -> list[tuple[Value, ...]]:
        """Everything remembered under `kind`, in a fixed order."""
        return sorted(self.sets.get(kind, ()), key=lambda item: tuple(map(str, item)))

    def register(self, registration: Registration, point: str) -> None:
        """Remember that the call at program point `point` makes `registration`."""
        if registration not in self.registrations:
            self.registrations.append(registration)
            self.grew = True
        points = self.connect_points.setdefault(registration, set())
        if point not in points:
            points.add(point)
            self.grew = self.grew or len(points) == 2


@dataclass(frozen=True, slots=True)
class InterruptObject:
    """One of the interrupt objects that a registration can yield."""

    name: str
    registration: Registration

    @property
    def lock(self) -> str:
        """The interrupt spin lock: the driver's own, or one that lives in the object."""
        return self.registration.lock or f"lock of {self.name}"


@dataclass(slots=True)
class World:
    """One pass: the objects, the variables declared so far, and the facts.

    `reached` collects the instructions of the driver that are come to: routine, index of the node.
    """

    processors: tuple[str, ...]
    contexts: tuple[str, ...]
    knobs: Knobs
    facts: Facts
    objects: dict[str, Object]
    lines: dict[str, Line]
    asserted: dict[str, Expression] = field(default_factory=dict[str, Expression])
    variables: dict[str, Variable] = field(default_factory=dict[str, Variable])
    references: list[str] = field(default_factory=list[str])
    fields: dict[str, Field] = field(default_factory=dict[str, Field])
    reached: set[tuple[str, int]] = field(default_factory=set[tuple[str, int]])

    def variable(
        self, name: str, domain: Domain, initial: tuple[Value, ...], owner: str = SHARED
    ) -> Read:
        """The variable `name`, declared on first use."""
        if name not in self.variables:
            self.variables[name] = Variable(name, domain, initial, owner)
        return Read(name)

    def flag(self, name: str, *, initial: bool = False, owner: str = SHARED) -> Read:
        """A boolean variable."""
        return self.variable(name, Boolean(), (initial,), owner)

    @property
    def processor_domain(self) -> Enumeration:
        """`none` and the processors."""
        return Enumeration(PROCESSOR, ("none", *self.processors))

    @property
    def context_domain(self) -> Enumeration:
        """`none` and the contexts."""
        return Enumeration(CONTEXT, ("none", *self.contexts))

    def owner(self, lock: str) -> Read:
        """The owner of a spin lock: a context, or `none`."""
        return self.variable(f"owner of {lock}", self.context_domain, ("none",))

    def field(self, object_name: str, field_name: str) -> Field | None:
        """The declared field, or `None`."""
        found = self.objects.get(object_name)
        if found is None:
            return None
        return next((item for item in found.fields if item.name == field_name), None)

    def field_of(self, variable: str) -> Field:
        """The field whose value (or whose element's value) `variable` holds."""
        return self.fields[variable]

    def instances(self, registration: Registration) -> tuple[InterruptObject, ...]:
        """The interrupt objects of `registration`: two where calls at several places make it."""
        count = 2 if len(self.facts.connect_points.get(registration, ())) > 1 else 1
        index = self.facts.registrations.index(registration)
        same = [
            item
            for item in self.facts.registrations[:index]
            if item.routine == registration.routine
        ]
        base = f"{registration.routine} interrupt" + (f" {len(same) + 1}" if same else "")
        names = [base] + [f"{base} again"] * (count - 1)
        return tuple(InterruptObject(name, registration) for name in names)

    def interrupts(self) -> tuple[InterruptObject, ...]:
        """Every interrupt object that some connect call can make, in order of discovery."""
        return tuple(
            instance
            for registration in self.facts.registrations
            for instance in self.instances(registration)
        )

    def interrupt(self, name: str) -> InterruptObject | None:
        """The interrupt object called `name`."""
        return next((item for item in self.interrupts() if item.name == name), None)

    def interrupt_state(self, name: str) -> Read:
        """How far interrupt object `name` is in its life."""
        return self.variable(f"{name} is", INTERRUPT_STATE, (UNUSED,))

    def referenced(self, name: str) -> Expression:
        """Whether some pointer variable of the driver holds `name`."""
        return disjunction(*(equal(Read(item), Constant(name)) for item in self.references))

    def can_die(self, object_name: str) -> bool:
        """Whether the memory of the object is freed or unmapped anywhere."""
        return self.facts.has("freed", object_name)

    def holder(self, object_name: str) -> str:
        """The outermost-but-mortal object whose memory holds this one, or empty."""
        name = object_name
        while name:
            if self.can_die(name):
                return name
            found = self.objects.get(name)
            name = found.inside if found else ""
        return ""

    def alive(self, object_name: str) -> Expression | None:
        """Whether the memory of the object exists, or `None` where it always does."""
        holder = self.holder(object_name)
        if not holder:
            return None
        born_dead = self.facts.has("allocated", holder)
        return self.flag(f"{holder} exists", initial=not born_dead)
