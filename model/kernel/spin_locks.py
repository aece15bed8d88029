"""Executive spin locks (rules 6.2): an owner variable each, and the IRQL that goes with them."""

from ..algebra import equal, negation
from ..expr import Constant
from ..machine import Check
from .levels import DISPATCH_LEVEL, level_name
from .rule import Give, KernelCall, KernelRoutine, Micro, Outcome, Step
from .signature import Parameter, Passing
from .world import NONE, World


def _initialized(call: KernelCall, world: World, lock: str) -> tuple[Check, ...]:
    """The lock went through KeInitializeSpinLock, where the driver does that at all (6.2, R6)."""
    if not world.facts.has("initialized lock", lock):
        return ()
    return (
        Check(
            "uninitialized-object",
            world.flag(f"{lock} initialized"),
            f"{call.routine} uses {lock} before KeInitializeSpinLock",
            "0xC4 DRIVER_VERIFIER_DETECTED_VIOLATION (0x1002)",
        ),
    )


def ke_initialize_spin_lock(call: KernelCall, world: World) -> tuple[Micro, ...]:
    """Prepare a spin lock.

    Windows: resident storage, any IRQL, before first use (6.2, R6).
    Model: a driver that never initialises a lock is taken to do so elsewhere; one that does must
        do it before the first use.
    """
    lock = call.text("SpinLock")
    world.facts.add("initialized lock", lock)
    ready = world.flag(f"{lock} initialized")
    return (
        Step(call.routine, "6.2", (Outcome(updates=((ready.variable, Constant(value=True)),)),)),
    )


def ke_acquire_spin_lock(call: KernelCall, world: World) -> tuple[Micro, ...]:
    """Raise to DISPATCH_LEVEL and take the lock; gives the old IRQL.

    Windows: caller at or below DISPATCH_LEVEL; above it is an error that can deadlock (6.2.1, R47).
    Model: raise and spin are two steps; at DISPATCH_LEVEL only the spin is left.
    """
    lock = call.text("SpinLock")
    checks = _initialized(call, world, lock) + call.at_most(
        DISPATCH_LEVEL, "0xC4 DRIVER_VERIFIER_DETECTED_VIOLATION (0x42)"
    )
    take = f"{call.routine} takes {lock}"
    give = Give(Constant(call.irql))
    if call.irql >= DISPATCH_LEVEL:
        return (Step(take, "6.2.1", checks=checks, takes=lock), give)
    return (
        Step(call.routine, "6.2.11", checks=checks, irql=DISPATCH_LEVEL),
        Step(take, "6.2.1", takes=lock),
        give,
    )


def ke_acquire_spin_lock_at_dpc_level(call: KernelCall, world: World) -> tuple[Micro, ...]:
    """Take the lock without touching the IRQL.

    Windows: fatal below DISPATCH_LEVEL (6.2.2); above it pages disagree (10.44).
    Model: allowed at and above DISPATCH_LEVEL; a lock used at several levels shows up as the
        deadlock it causes.
    """
    lock = call.text("SpinLock")
    checks = _initialized(call, world, lock) + call.at_least(
        DISPATCH_LEVEL, "0xC4 DRIVER_VERIFIER_DETECTED_VIOLATION (0x40)"
    )
    return (Step(f"{call.routine} takes {lock}", "6.2.2", checks=checks, takes=lock),)


def ke_try_to_acquire_spin_lock_at_dpc_level(call: KernelCall, world: World) -> tuple[Micro, ...]:
    """Take the lock if it is free, else return FALSE at once.

    Windows: at DISPATCH_LEVEL; TRUE means acquired (6.2).
    Model: one step with two outcomes.
    """
    lock = call.text("SpinLock")
    checks = _initialized(call, world, lock) + call.at_least(DISPATCH_LEVEL)
    busy = negation(equal(world.owner(lock), NONE))
    return (
        Step(
            call.routine,
            "6.2",
            (
                Outcome(takes=lock, result=Constant(1), name=f"{call.routine} takes {lock}"),
                Outcome((busy,), result=Constant(0), name=f"{call.routine} finds {lock} busy"),
            ),
            checks=checks,
        ),
    )


def _release(call: KernelCall, takers: tuple[str, ...], new_irql: int) -> tuple[Micro, ...]:
    """Release a lock taken by one of `takers`, going to `new_irql`."""
    lock = call.text("SpinLock")
    held = next((item for item in call.held if item.lock == lock), None)
    if held is None:
        return (
            call.broken(
                "release-of-unowned-lock",
                f"{call.routine} releases {lock}, which the caller does not own",
                "0x10 SPIN_LOCK_NOT_OWNED",
            ),
        )
    if held.taken_by not in takers:
        return (
            call.broken(
                "mixed-lock-routines",
                f"{lock} was taken by {held.taken_by} and is released by {call.routine}",
                "0xC4 DRIVER_VERIFIER_DETECTED_VIOLATION (0x1009)",
            ),
        )
    return (Step(f"{call.routine} releases {lock}", "6.2", drops=lock, irql=new_irql),)


def ke_release_spin_lock(call: KernelCall, world: World) -> tuple[Micro, ...]:
    """Release the lock and go back to the saved IRQL.

    Windows: caller at DISPATCH_LEVEL, NewIrql as the acquire returned it (6.2.3, R41).
    Model: release and lower in one step; nothing can tell them apart.
    """
    del world
    lock = call.text("SpinLock")
    new = call.number("NewIrql")
    held = next((item for item in call.held if item.lock == lock), None)
    if held is not None and held.taken_by in _TAKERS and held.previous_irql != new:
        return (
            call.broken(
                "irql-lowered-wrongly",
                f"KeReleaseSpinLock is given {level_name(new)}, but the caller was at "
                f"{level_name(held.previous_irql)} when it took {lock}",
                "0xA IRQL_NOT_LESS_OR_EQUAL",
            ),
        )
    if held is not None and call.irql != DISPATCH_LEVEL:
        wrong = "irql-too-high" if call.irql > DISPATCH_LEVEL else "irql-too-low"
        return (
            call.broken(
                wrong,
                f"KeReleaseSpinLock is called at {level_name(call.irql)}, not at DISPATCH_LEVEL",
                "0xC4 DRIVER_VERIFIER_DETECTED_VIOLATION (0x32)",
            ),
        )
    takers: tuple[str, ...] = _TAKERS
    if new == DISPATCH_LEVEL:
        takers = (*_TAKERS, "KeTryToAcquireSpinLockAtDpcLevel")
    return _release(call, takers, new)


def ke_release_spin_lock_from_dpc_level(call: KernelCall, world: World) -> tuple[Micro, ...]:
    """Release the lock and leave the IRQL alone.

    Windows: only for a lock taken by an AtDpcLevel routine (6.2.4, R41); after a KeAcquireSpinLock
        the IRQL would never be restored.
    Model: as documented.
    """
    del world
    return _release(
        call, ("KeAcquireSpinLockAtDpcLevel", "KeTryToAcquireSpinLockAtDpcLevel"), call.irql
    )


_TAKERS = ("KeAcquireSpinLock", "KeAcquireSpinLockRaiseToDpc")
_LOCK = Parameter("SpinLock")

ROUTINES = (
    KernelRoutine("KeInitializeSpinLock", (_LOCK,), ke_initialize_spin_lock, "6.2"),
    KernelRoutine(
        "KeAcquireSpinLock",
        (_LOCK, Parameter("OldIrql", Passing.OUT)),
        ke_acquire_spin_lock,
        "6.2.1",
    ),
    KernelRoutine("KeAcquireSpinLockRaiseToDpc", (_LOCK,), ke_acquire_spin_lock, "6.2.1"),
    KernelRoutine(
        "KeReleaseSpinLock", (_LOCK, Parameter("NewIrql")), ke_release_spin_lock, "6.2.3"
    ),
    KernelRoutine(
        "KeAcquireSpinLockAtDpcLevel", (_LOCK,), ke_acquire_spin_lock_at_dpc_level, "6.2.2"
    ),
    KernelRoutine(
        "KeReleaseSpinLockFromDpcLevel", (_LOCK,), ke_release_spin_lock_from_dpc_level, "6.2.4"
    ),
    KernelRoutine(
        "KeTryToAcquireSpinLockAtDpcLevel",
        (_LOCK,),
        ke_try_to_acquire_spin_lock_at_dpc_level,
        "6.2",
    ),
)
