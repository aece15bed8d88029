"""Memory and its lifetime: pool, device objects, register mappings."""

from dataclasses import replace

from ..algebra import (
    conjunction,
    disjunction,
    equal,
    if_then_else,
    interval,
    less,
    negation,
)
from ..domain import Enumeration, Range
from ..driver import Field
from ..expr import FALSE, TRUE, Arithmetic, Constant, Expression, Read
from ..machine import Check
from . import dpc, dpc_queues, remove_locks, timers, work_items
from .c_types import SIZE_T, ULONG, signed_as
from .dpc_sources import forgotten
from .events import signalled
from .levels import APC_LEVEL, DISPATCH_LEVEL
from .rule import KernelCall, KernelRoutine, Micro, Outcome, RuleError, Step
from .signature import Parameter
from .world import DRIVER, LOCAL_STRUCTURE, NONE, World


def fit(
    declared: Field, value: Expression, domains: dict[str, Range]
) -> tuple[Expression, tuple[Check, ...]]:
    """`value` as it is stored in the field, with the check that it fits.

    Model: a wrapping field keeps the value modulo its range, a saturating one stops at its ends,
        any other field must be given a value it can hold. A field with negative values is signed,
        one that reaches beyond a signed long unsigned: a status that is stored keeps its 32 bits.
    """
    bounds = declared.domain
    if not isinstance(bounds, Range):
        return value, ()
    value = signed_as(bounds, value, domains)
    possible = interval(value, domains)
    if bounds.low <= possible.low and possible.high <= bounds.high:
        return value, ()
    if declared.wrapping:
        size = bounds.high - bounds.low + 1
        shifted = Arithmetic("-", value, Constant(bounds.low)) if bounds.low else value
        wrapped: Expression = Arithmetic("%", shifted, Constant(size))
        return Arithmetic("+", wrapped, Constant(bounds.low)) if bounds.low else wrapped, ()
    low, high = Constant(bounds.low), Constant(bounds.high)
    if declared.saturating:
        capped = if_then_else(less(high, value), high, value)
        return if_then_else(less(value, low), low, capped), ()
    inside = conjunction(negation(less(value, low)), negation(less(high, value)))
    detail = f"the value does not fit {declared.name}, which holds {bounds.low} to {bounds.high}"
    return value, (Check("value-out-of-range", inside, detail),)


def _parts(world: World, name: str) -> tuple[str, ...]:
    """The object and everything whose memory it holds."""
    inside = [item.name for item in world.objects.values() if item.inside == name]
    return (name, *(part for child in inside for part in _parts(world, child)))


def _nothing_queued(freeing: str, world: World, name: str) -> tuple[Check, ...]:
    """No DPC, timer or work item in the memory is still queued (7.1.12, 7.4.3, 7.5.4, R60)."""
    checks: list[Check] = []
    for part in _parts(world, name):
        crash = "0xC7 TIMER_OR_DPC_INVALID"
        if part in dpc.dpcs(world):
            queued = negation(equal(dpc_queues.queued_on(world, part), NONE))
        elif part in timers.timers(world):
            queued = timers.pending(world, part)
        elif part in work_items.work_items(world) and name != DRIVER:  # those keep the device
            queued = work_items.pending(world, part)
            crash = "0xE4 WORKER_INVALID"
        else:
            continue
        checks.append(
            Check(
                "free-while-queued",
                negation(queued),
                f"{freeing} frees memory that holds {part}, which is still queued",
                crash,
            )
        )
    return tuple(checks)


def _was_freed(world: World, name: str) -> Read:
    """Whether the structure has been freed before."""
    return world.flag(f"{name} was freed")


def pointed_to(world: World, name: str) -> Expression:
    """Whether a pointer variable or a local of a routine in progress holds the structure."""
    return disjunction(
        Read(f"remembered {name}"),
        *(
            equal(Read(item.name), Constant(name))
            for item in world.variables.values()
            if isinstance(item.domain, Enumeration) and name in item.domain.labels
        ),
    )


def _end(
    call: KernelCall, world: World, name: str, rule: str, checks: tuple[Check, ...]
) -> tuple[Micro, ...]:
    """The memory of object `name` goes away."""
    if name not in world.objects:
        raise RuleError(f"{call.routine}: {name} is not an object of the driver")
    world.facts.add("freed", name)
    alive = world.alive(name)
    updates: tuple[tuple[str, Expression], ...] = ()
    if isinstance(alive, Read):
        updates = ((alive.variable, Constant(value=False)),)
    if world.facts.has("allocated again", name):
        updates = (*updates, (_was_freed(world, name).variable, TRUE))
    gone: tuple[Check, ...] = ()
    if alive is not None:
        gone = (
            Check(
                "double-free", alive, f"{call.routine} frees {name} twice", "0xC2 BAD_POOL_CALLER"
            ),
        )
    checks = (*checks, *gone, *_nothing_queued(call.routine, world, name))
    return (Step(call.routine, rule, (Outcome(updates=updates),), checks),)


def ex_free_pool(call: KernelCall, world: World) -> tuple[Micro, ...]:
    """Free a structure.

    Windows: nonpaged pool at or below DISPATCH_LEVEL (1.2, Verifier 0xC4/0x12); freed memory that
        holds a queued DPC or timer is bug check 0xC7 or 0xC4/0x15 (3.4.10, 7.1.12).
    Model: the structure is gone; any later use is a violation. All pool is nonpaged.
    """
    level = call.at_most(DISPATCH_LEVEL, "0xC4 DRIVER_VERIFIER_DETECTED_VIOLATION (0x12)")
    name = call.text("P")
    if name in world.objects and world.objects[name].type == LOCAL_STRUCTURE:
        detail = f"{call.routine} frees {name}, which is on a stack, not in pool memory"
        return (call.broken("double-free", detail, "0xC2 BAD_POOL_CALLER"),)
    return _end(call, world, name, "3.4.10", level)


def io_delete_device(call: KernelCall, world: World) -> tuple[Micro, ...]:
    """Delete the device object, and with it the device extension: the driver's own fields.

    Windows: disconnect, and finish DPCs and timers first (3.1.7, 3.4.1, R77, R79). While a work
        item is queued or running the device object is kept, and deleted after that (7.5.5).
    Model: at or below APC_LEVEL; then, or when the last work item has run, the driver's fields are
        gone, and any later use is a violation.
    """
    call.text("DeviceObject")
    (deleted,) = _end(call, world, DRIVER, "3.4.1", call.at_most(APC_LEVEL))
    kept = work_items.device_kept(world)
    if kept is None or not isinstance(deleted, Step):
        return (deleted,)
    pending = _delete_pending(world)
    now = tuple(replace(item, guard=(equal(kept, Constant(0)),)) for item in deleted.outcomes)
    stays = less(Constant(0), kept)
    later = Outcome(
        (stays,),
        ((pending.variable, TRUE),),
        name=f"{call.routine}: a work item keeps the device object",
    )
    once = Check("double-free", negation(pending), f"{call.routine} deletes the device twice")
    checks = tuple(
        replace(item, condition=disjunction(stays, item.condition))
        if item.property == "free-while-queued"
        else item
        for item in deleted.checks
    )
    return (replace(deleted, outcomes=(*now, later), checks=(*checks, once)),)


def _delete_pending(world: World) -> Read:
    """Whether the device object goes away with its last work item."""
    return world.flag("device deletion pending")


def device_released(world: World) -> tuple[Micro, ...]:
    """What the system does when the routine of a work item has returned.

    Windows: it gives back the reference to the device object; a device object whose deletion was
        pending goes away with the last one (7.5.5).
    Model: one step, where the driver deletes its device object at all.
    """
    kept, alive = work_items.device_kept(world), world.alive(DRIVER)
    if kept is None or not isinstance(alive, Read):
        return ()
    last = conjunction(_delete_pending(world), equal(kept, Constant(1)))
    updates = (
        (kept.variable, Arithmetic("-", kept, Constant(1))),
        (alive.variable, conjunction(alive, negation(last))),
    )
    name = "the system releases the device object"
    checks = tuple(
        replace(item, condition=disjunction(negation(last), item.condition))
        for item in _nothing_queued(name, world, DRIVER)
    )
    return (Step(name, "7.5.5", (Outcome(updates=updates),), checks),)


def ex_allocate_pool(call: KernelCall, world: World) -> tuple[Micro, ...]:
    """Give a structure its memory; it has none before.

    Windows: nonpaged pool at or below DISPATCH_LEVEL (1.2, Verifier 0xC4/0x02), zeroed (3.4.11).
    Model: always succeeds, and returns a pointer to the structure. The fields have their first
        values again, and kernel objects inside are not initialised. Two things are limits of the
        model: allocating a structure that exists, and allocating it again while a pointer to the
        freed one is left, which would look valid.
    """
    name = call.text("P")
    if name not in world.objects:
        raise RuleError(f"{call.routine}: {name} is not a structure of the driver")
    world.facts.add("freed", name)
    world.facts.add("allocated", name)
    alive = world.alive(name)
    if not isinstance(alive, Read):
        return ()
    bound = Check("model-bound", negation(alive), f"{name} is allocated while it exists")
    world.facts.add("allocated again", name)
    stale = Check(
        "model-bound",
        negation(conjunction(_was_freed(world, name), pointed_to(world, name))),
        f"{name} is allocated again while a pointer to the freed one is left",
    )
    update = ((alive.variable, TRUE), *as_new(world, name))
    level = call.at_most(DISPATCH_LEVEL, "0xC4 DRIVER_VERIFIER_DETECTED_VIOLATION (0x02)")
    made = Outcome(updates=update, result=Constant(name))
    return (Step(call.routine, "3.4.1", (made,), (*level, bound, stale)),)


def as_new(world: World, name: str) -> tuple[tuple[str, Expression], ...]:
    """The updates by which nothing is left of what the memory held before it was freed."""
    found: list[tuple[str, Expression]] = []
    for part in _parts(world, name):
        if world.facts.has("initialized lock", part) or world.facts.has("initialized object", part):
            found.append((world.flag(f"{part} initialized").variable, FALSE))
        if part in dpc.dpcs(world):
            found.append((dpc.routine_of(world, part).variable, NONE))
            found += forgotten(world, part)
        if world.objects[part].type == "IO_REMOVE_LOCK":
            found.append((remove_locks.acquisitions(world, part).variable, Constant(0)))
            found.append((remove_locks.removed(world, part).variable, FALSE))
        usable = world.alive(part)
        if part in work_items.work_items(world) and isinstance(usable, Read):
            found.append((usable.variable, TRUE))
        if world.objects[part].type in ("KEVENT", "KTIMER"):
            found.append(_first_value(world, signalled(world, part).variable))
    inside = tuple(f"{part}." for part in _parts(world, name))
    fields = (variable for variable in world.fields if variable.startswith(inside))
    return (*found, *(_first_value(world, variable) for variable in fields))


def _first_value(world: World, variable: str) -> tuple[str, Expression]:
    """The update that gives a variable its (first) initial value."""
    return variable, Constant(world.variables[variable].initial[0])


def _mapping(call: KernelCall, world: World) -> str:
    """The device whose registers are mapped."""
    name = call.text("BaseAddress")
    found = world.objects.get(name)
    if found is None or found.type != "device":
        raise RuleError(f"{call.routine}: pass the device whose registers are mapped, not {name}")
    return name


def mm_map_io_space(call: KernelCall, world: World) -> tuple[Micro, ...]:
    """Map the registers of a device.

    Windows: at or below DISPATCH_LEVEL; the registers can be touched from then on (2.1.13).
    Model: always succeeds; a driver that maps them cannot touch them before.
    """
    name = _mapping(call, world)
    world.facts.add("freed", name)
    world.facts.add("allocated", name)
    alive = world.alive(name)
    updates = ((alive.variable, TRUE),) if isinstance(alive, Read) else ()
    mapped = Outcome(updates=updates, result=Constant(name))
    return (Step(call.routine, "2.1.13", (mapped,), call.at_most(DISPATCH_LEVEL)),)


def mm_unmap_io_space(call: KernelCall, world: World) -> tuple[Micro, ...]:
    """Unmap the registers of a device.

    Windows: at or below DISPATCH_LEVEL, after everything that touches them has ended (3.4.1, R79).
    Model: touching them afterwards is a violation.
    """
    return _end(call, world, _mapping(call, world), "3.4.1", call.at_most(DISPATCH_LEVEL))


_BASE = Parameter("BaseAddress")
_POOL = Parameter("P")

ROUTINES = (
    KernelRoutine("ExAllocatePool2", (_POOL,), ex_allocate_pool, "3.4.1", settles_lifetime=True),
    KernelRoutine("ExFreePool", (_POOL,), ex_free_pool, "3.4.10", settles_lifetime=True),
    KernelRoutine(
        "ExFreePoolWithTag",
        (_POOL, Parameter("Tag", type=ULONG, default=0)),
        ex_free_pool,
        "3.4.10",
        settles_lifetime=True,
    ),
    KernelRoutine("IoDeleteDevice", (Parameter("DeviceObject"),), io_delete_device, "3.1.7"),
    KernelRoutine("MmMapIoSpace", (_BASE,), mm_map_io_space, "2.1.13", settles_lifetime=True),
    KernelRoutine(
        "MmUnmapIoSpace",
        (_BASE, Parameter("NumberOfBytes", type=SIZE_T, default=0)),
        mm_unmap_io_space,
        "3.4.1",
        settles_lifetime=True,
    ),
)
