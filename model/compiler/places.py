"""From places in driver code to variables of the machine."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from ..algebra import (
    conjunction,
    equal,
    if_then_else,
    interval,
    is_true,
    less,
    negation,
    select,
)
from ..domain import Domain, Enumeration, Range
from ..driver import Device, Field, FieldKind, Object
from ..expr import FALSE, TRUE, Constant, Expression
from ..kernel.c_types import signed_as
from ..kernel.levels import bad_address
from ..kernel.stack_memory import instance_of
from ..kernel.world import LOCAL_STRUCTURE, World
from ..machine import Access, AccessKind, Check, Source, Variable
from ..routine import NULL, Place
from .errors import CompileError
from .path import Path, RoutineActivation


@dataclass(frozen=True, slots=True)
class Located:
    """A place that was found: its declared field, its present value, and how to store to it.

    `variable` is empty where the index depends on data; `elements` are all variables of an array
    with what they hold.
    """

    text: str
    field: Field
    domain: Domain
    value: Expression
    variable: str
    elements: tuple[tuple[str, Expression], ...]
    index: Expression | None

    def stored(self, value: Expression) -> dict[str, Expression]:
        """The updates that store `value` here."""
        if self.variable:
            return {self.variable: value}
        assert self.index is not None  # noqa: S101  (only an index hides the variable)
        return {
            name: if_then_else(equal(self.index, Constant(position)), value, held)
            for position, (name, held) in enumerate(self.elements)
        }

    def access(self, stored: Expression | None = None) -> list[Access]:
        """The access that a load, or a store of the value `stored`, makes."""
        write = stored is not None
        if self.field.volatile or self.field.kind is FieldKind.REGISTER:
            kind = AccessKind.VOLATILE_WRITE if write else AccessKind.VOLATILE_READ
        else:
            kind = AccessKind.PLAIN_WRITE if write else AccessKind.PLAIN_READ
        changes = TRUE if stored is None else negation(equal(stored, self.value))
        return [Access(self.text, kind, self.index, changes)]


class Places:
    """Finds variables for places, and declares them on first use."""

    def __init__(self, world: World, devices: tuple[Device, ...], routines: Iterable[str]) -> None:
        """Declare a variable for each field of each object of `world`."""
        self._world = world
        names = {device.object for device in devices}
        self.device_routines = {name for name in routines if name.partition(".")[0] in names}
        self._bounds: dict[str, Range] | None = None
        self._elements: dict[str, tuple[str, int]] = {}
        for item in world.objects.values():
            if item.type in ("KEVENT", "KTIMER"):
                continue
            for declared in item.fields:
                self._declare(item, declared)

    def _declare(self, item: Object, declared: Field) -> None:
        """One variable for a plain field, one for each element of an array."""
        domain = self._domain(declared)
        name = f"{item.name}.{declared.name}"
        names = [f"{name}[{i}]" for i in range(declared.count)] if declared.count else [name]
        if declared.count:
            self._elements.update((each, (name, index)) for index, each in enumerate(names))
        for each in names:
            owner = "hardware" if item.type == "device" else "shared"
            self._world.variables[each] = Variable(each, domain, declared.initial, owner)
            self._world.fields[each] = declared
            if isinstance(domain, Enumeration) and domain.name == "interrupt":
                self._world.references.append(each)

    def _domain(self, declared: Field) -> Domain:
        """The declared domain; for an interrupt object pointer, the objects found so far."""
        domain = declared.domain
        if isinstance(domain, Enumeration) and domain.name == "interrupt":
            made = tuple(item.name for item in self._world.interrupts())
            return Enumeration("interrupt", ("NULL", *made))
        if isinstance(domain, Enumeration) and domain.name != "routine":
            labels = tuple(one for label in domain.labels for one in self._instances(label))
            return Enumeration(domain.name, labels)
        return domain

    def _instances(self, label: str) -> tuple[str, ...]:
        """The objects that a pointer may hold for `label`: a local structure is one a context."""
        if label == NULL or label in self._world.objects:
            return (label,)
        named = (
            instance_of(label, str(context))
            for structure, context in self._world.facts.all(LOCAL_STRUCTURE)
            if structure == label
        )
        return tuple(name for name in named if name in self._world.objects)

    def whole(self, access: Access) -> Access:
        """An access of a kernel routine, which only knows variables, to an element of an array."""
        if access.location not in self._elements:
            return access
        location, index = self._elements[access.location]
        return replace(access, location=location, index=Constant(index))

    def ranges(self) -> dict[str, Range]:
        """The domains of all integer variables, for interval arithmetic."""
        if self._bounds is None:
            self._bounds = {
                name: item.domain
                for name, item in self._world.variables.items()
                if isinstance(item.domain, Range)
            }
            self._bounds.update(self._world.facts.local_domains)
        return self._bounds

    def inside(self, value: Expression, low: Expression, high: Expression) -> Expression:
        """Whether `value` lies between the bounds."""
        possible = interval(value, self.ranges())
        assert isinstance(low, Constant) and isinstance(high, Constant)  # noqa: S101, PT018
        if int(low.value) <= possible.low and possible.high <= int(high.value):
            return Constant(value=True)
        return conjunction(negation(less(value, low)), negation(less(high, value)))

    def keep_declared(self, path: Path, top: RoutineActivation, name: str) -> None:
        """Add the check that local `name` was given a value of its declared domain, if it has one.

        A 32-bit number is read with the sign of the domain, as in a field. A local without a value
        yet, or with a reference, is left alone.
        """
        declared = dict(top.routine.domains).get(name)
        value = top.locals.get(name)
        if not isinstance(declared, Range) or value is None or is_name(value):
            return
        value = top.locals[name] = signed_as(declared, value, self.ranges())
        inside = self.inside(value, Constant(declared.low), Constant(declared.high))
        if is_true(inside):
            return
        detail = f"{name} is declared to hold {declared.low} to {declared.high}"
        source = top.routine.nodes[top.node].source
        path.claim(Check("value-out-of-range", inside, detail), source)

    def require_alive(self, path: Path, name: str) -> None:
        """Add the check that the memory (or mapping) of object `name` exists."""
        alive = self._world.alive(name)
        if alive is None:
            return
        holder = self._world.holder(name)
        device = self._world.objects[holder].type == "device"
        rule = "use-after-unmap" if device else "use-after-free"
        crash = bad_address(path.irql, in_kernel=False)
        what = f"the registers of {holder} are not mapped" if device else f"{holder} is not there"
        if self._world.objects[holder].type == LOCAL_STRUCTURE:
            what, crash = "the routine whose local it is has returned", ""
        path.checks.append(Check(rule, alive, f"{name} is used while {what}", crash))

    def locate(
        self, path: Path, top: RoutineActivation, place: Place, source: Source
    ) -> Located | None:
        """The variables behind `place`, with checks for NULL, lifetime and index added to `path`.

        Raises:
            CompileError: the object is not known at this point, or has no such field.
        """
        base = top.value(place.object, self.ranges())
        if not isinstance(base, Constant):
            raise CompileError(
                f"the object must be known where its field {place.field} is used",
                source,
                "load the pointer into a local first: request = self.current, then request.field",
                word=place.field,
            )
        name = str(base.value)
        if name in ("NULL", "0"):
            path.acted = True
            path.name = f"uses {place.field} of NULL"
            crash = bad_address(path.irql, in_kernel=False)
            path.fail(Check("null-dereference", FALSE, "a NULL pointer is used", crash))
            return None
        declared = self._world.field(name, place.field)
        if declared is None:
            raise CompileError(
                f"{name} has no field {place.field}",
                source,
                "test which object it is first, or declare the field there",
                word=place.field,
            )
        if path.atomic_base is None:
            self.require_alive(path, name)
        text = f"{name}.{place.field}"
        domain = self._domain(declared)
        if place.index is None or not declared.count:
            return Located(text, declared, domain, path.read(text), text, (), None)
        return self._element(path, declared, domain, text, top.value(place.index, self.ranges()))

    def _element(
        self, path: Path, declared: Field, domain: Domain, text: str, index: Expression
    ) -> Located | None:
        """One element of an array field."""
        names = tuple(f"{text}[{position}]" for position in range(declared.count))
        inside = self.inside(index, Constant(0), Constant(declared.count - 1))
        if inside != Constant(value=True):
            detail = f"the index is outside {declared.name}, which has {declared.count} elements"
            check = Check("index-out-of-range", inside, detail)
            if inside == FALSE:
                path.acted = True
                path.fail(check)
                return None
            path.checks.append(check)
        if isinstance(index, Constant):
            name = names[int(index.value)]
            return Located(text, declared, domain, path.read(name), name, (), index)
        elements = tuple((name, path.read(name)) for name in names)
        value = select(index, (held for _, held in elements))
        return Located(text, declared, domain, value, "", elements, index)


def is_name(value: Expression) -> bool:
    """Whether the value is an object, a routine or NULL rather than a number."""
    return isinstance(value, Constant) and isinstance(value.value, str)
