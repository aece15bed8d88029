"""The interrupt lock: KeSynchronizeExecution and the interrupt spin lock routines (rules 6.1)."""

from ..algebra import member
from ..expr import FALSE, Constant
from ..machine import Check
from .c_types import KIRQL, PVOID
from .callbacks import SYNCHRONIZE
from .levels import bad_address, level_name
from .locks import in_memory, leaving
from .registration import interrupt_object
from .rule import WRONG_IRQL, Enter, Give, Held, KernelCall, KernelRoutine, Micro, Step
from .signature import Parameter
from .world import LIVE, InterruptObject, World


def live_interrupt(
    call: KernelCall, world: World, name: str
) -> tuple[InterruptObject, tuple[Check, ...]] | Step:
    """The interrupt object `name` with the check that it is connected, or the step that fails.

    Windows: what a NULL or disconnected interrupt object does is undocumented; disconnecting
        frees it (3.1.11, 10.3).
    Model: any use of it is a violation.
    """
    found = interrupt_object(call, world, name, "synchronize-on-dead-interrupt")
    if isinstance(found, Step):
        return found
    alive = Check(
        "synchronize-on-dead-interrupt",
        member(world.interrupt_state(name), LIVE),
        f"{call.routine} is called with an interrupt object that has been disconnected",
        bad_address(call.irql, in_kernel=True),
    )
    return found, (alive,)


def _not_above(call: KernelCall, found: InterruptObject) -> tuple[Check, ...]:
    """The caller's IRQL is at most the object's SynchronizeIrql (6.1.1, R38)."""
    return call.at_most(found.registration.synchronize_irql)


def _take(
    call: KernelCall, world: World, name: str
) -> tuple[InterruptObject, tuple[Micro, ...]] | Step:
    """Check, raise to SynchronizeIrql, spin for the interrupt lock."""
    located = live_interrupt(call, world, name)
    if isinstance(located, Step):
        return located
    found, alive = located
    level = found.registration.synchronize_irql
    return found, (
        Step(call.routine, "6.1.1", checks=alive + _not_above(call, found), irql=level),
        Step(
            f"{call.routine} takes the interrupt lock at {level_name(level)}",
            "6.1.1",
            checks=_still_there(call, world, found),
            takes=found.lock,
            saves=call.irql,
            through=found.name,
        ),
    )


def _still_there(call: KernelCall, world: World, found: InterruptObject) -> tuple[Check, ...]:
    """The object was not freed since the call began (3.1.11, 10.3), nor the driver's own lock."""
    level = found.registration.synchronize_irql
    return (
        *in_memory(call, world, found.lock, level),
        Check(
            "synchronize-on-dead-interrupt",
            member(world.interrupt_state(found.name), LIVE),
            f"the interrupt object was disconnected while {call.routine} was using it",
            bad_address(level, in_kernel=True),
        ),
    )


def ke_synchronize_execution(call: KernelCall, world: World) -> tuple[Micro, ...]:
    """Run a routine in the interrupt's critical section.

    Windows: needs the caller at or below SynchronizeIrql; raises to it, takes the interrupt spin
        lock, calls the routine on the same processor, releases, restores the IRQL; the result is
        the BOOLEAN that the routine answered (6.1.1, 6.1.2).
    Model: check and raise, spin, the routine's own steps, release and lower: each can be
        interrupted by what the IRQL of that moment lets through.
    """
    taken = _take(call, world, call.text("Interrupt"))
    if isinstance(taken, Step):
        return (taken,)
    found, steps = taken
    routine = call.text("SynchronizeRoutine")
    return (
        *steps,
        Enter(routine, (call.arguments["SynchronizeContext"],), SYNCHRONIZE),
        Step(
            "KeSynchronizeExecution releases the interrupt lock",
            "6.1.1",
            checks=_still_there(call, world, found),
            drops=found.lock,
            irql=call.irql,
        ),
    )


def ke_acquire_interrupt_spin_lock(call: KernelCall, world: World) -> tuple[Micro, ...]:
    """Enter the interrupt's critical section by hand.

    Windows: caller at or below SynchronizeIrql, the object not passive; afterwards at
        SynchronizeIrql with the lock; returns the old IRQL (6.1.5).
    Model: check and raise, then spin.
    """
    taken = _take(call, world, call.text("Interrupt"))
    if isinstance(taken, Step):
        return (taken,)
    return (*taken[1], Give(Constant(call.irql)))


def ke_release_interrupt_spin_lock(call: KernelCall, world: World) -> tuple[Micro, ...]:
    """Leave the interrupt's critical section.

    Windows: the same object and the IRQL that the acquire returned (6.1.5, R40).
    Model: anything else is a violation; else release and lower in one step.
    """
    located = live_interrupt(call, world, call.text("Interrupt"))
    if isinstance(located, Step):
        return (located,)
    found, alive = located
    held = next((item for item in call.held if item.lock == found.lock), None)
    old = call.number("OldIrql")
    if held is None:
        return (
            call.broken(
                "release-of-unowned-lock",
                "KeReleaseInterruptSpinLock releases an interrupt lock the caller does not own",
                "0x10 SPIN_LOCK_NOT_OWNED",
            ),
        )
    checks = (
        *alive,
        *_same_taker(call, held, found),
        *_same_levels(call, held, old),
        *leaving(call, found.lock, old),
    )
    return (Step(call.routine, "6.1.5", checks=checks, drops=found.lock, irql=old),)


def _same_taker(call: KernelCall, held: Held, found: InterruptObject) -> tuple[Check, ...]:
    """The lock is released by the routine and through the object it was taken by (6.1.5, R40).

    Windows: objects that share a lock need not share their SynchronizeIrql. No bug check watches
        over the object; a free build gives the lock back and goes to the level that it is told.
    """
    if held.taken_by != "KeAcquireInterruptSpinLock":
        return (
            Check(
                "mixed-lock-routines",
                FALSE,
                f"a lock taken by {held.taken_by or 'the kernel'} is released by {call.routine}",
                "0xC4 DRIVER_VERIFIER_DETECTED_VIOLATION (0x1009)",
            ),
        )
    if held.through == found.name:
        return ()
    return (
        Check(
            "mixed-lock-routines",
            FALSE,
            f"{found.lock} was taken through {held.through} and is released through {found.name}",
        ),
    )


def _same_levels(call: KernelCall, held: Held, old: int) -> tuple[Check, ...]:
    """The caller is at the level of the acquire and goes back to the one before (6.1.5, R40)."""
    if held.previous_irql != old:
        return (
            Check(
                "irql-lowered-wrongly",
                FALSE,
                f"{call.routine} is given {level_name(old)}, but the acquire returned "
                f"{level_name(held.previous_irql)}",
                "0xA IRQL_NOT_LESS_OR_EQUAL",
            ),
        )
    if call.irql != held.irql:
        return (
            Check(
                "irql-too-high",
                FALSE,
                f"{call.routine} is called at {level_name(call.irql)}, not at the "
                f"{level_name(held.irql)} of the acquire",
                WRONG_IRQL,
            ),
        )
    return ()


ROUTINES = (
    KernelRoutine(
        "KeSynchronizeExecution",
        (
            Parameter("Interrupt"),
            Parameter("SynchronizeRoutine", calls=SYNCHRONIZE),
            Parameter("SynchronizeContext", type=PVOID, default="NULL"),
        ),
        ke_synchronize_execution,
        "6.1.1",
    ),
    KernelRoutine(
        "KeAcquireInterruptSpinLock",
        (Parameter("Interrupt"),),
        ke_acquire_interrupt_spin_lock,
        "6.1.5",
    ),
    KernelRoutine(
        "KeReleaseInterruptSpinLock",
        (Parameter("Interrupt"), Parameter("OldIrql", type=KIRQL, known=True)),
        ke_release_interrupt_spin_lock,
        "6.1.5",
    ),
)
