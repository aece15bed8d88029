"""In-stack queued spin locks (rules 6.2.5 and 6.2.13).

The handle that the caller keeps on its stack is a local; its value is the lock it is queued for.
"""

from ..expr import Constant
from .c_types import PVOID
from .levels import DISPATCH_LEVEL
from .locks import embedded
from .rule import Give, KernelCall, KernelRoutine, Micro, RuleError, Step
from .signature import Parameter, Passing
from .spin_locks import initialized, one_family, raise_and_take, release, release_and_lower
from .world import World


def ke_acquire_in_stack_queued_spin_lock(call: KernelCall, world: World) -> tuple[Micro, ...]:
    """Raise to DISPATCH_LEVEL and queue for the lock; the handle remembers the old IRQL.

    Windows: caller at or below DISPATCH_LEVEL; granted first come, first served (6.2, 6.2.13); one
        lock is never used both ways (6.2.5).
    Model: as KeAcquireSpinLock. The order of the queue is not kept: any spinner may be next, which
        adds behaviours and loses none.
    """
    lock = embedded(call, world, "SpinLock", "KSPIN_LOCK")
    checks = initialized(call, world, lock) + one_family(call, world, lock, "queued")
    return (*raise_and_take(call, world, lock, checks), Give(Constant(lock)))


def ke_acquire_in_stack_queued_spin_lock_at_dpc_level(
    call: KernelCall, world: World
) -> tuple[Micro, ...]:
    """Queue for the lock without touching the IRQL.

    Windows: at or above DISPATCH_LEVEL (6.2, 10.45).
    Model: as KeAcquireSpinLockAtDpcLevel.
    """
    lock = embedded(call, world, "SpinLock", "KSPIN_LOCK")
    checks = (
        *initialized(call, world, lock),
        *one_family(call, world, lock, "queued"),
        *call.at_least(DISPATCH_LEVEL, "0xC4 DRIVER_VERIFIER_DETECTED_VIOLATION (0x40)"),
    )
    take = Step(f"{call.routine} takes {lock}", "6.2", checks=checks, takes=lock, saves=call.irql)
    return (take, Give(Constant(lock)))


def _lock(call: KernelCall, world: World) -> str:
    """The lock that the handle is queued for."""
    name = call.text("LockHandle")
    found = world.objects.get(name)
    if found is None or found.type != "KSPIN_LOCK":
        raise RuleError(
            f"{call.routine}: LockHandle must be the local that an acquisition filled, not {name}"
        )
    return name


def ke_release_in_stack_queued_spin_lock(call: KernelCall, world: World) -> tuple[Micro, ...]:
    """Release the lock and go back to the IRQL that the handle remembers.

    Windows: at DISPATCH_LEVEL, with the handle of the acquisition (6.2).
    Model: release and lower in one step.
    """
    lock = _lock(call, world)
    held = next((item for item in call.held if item.lock == lock), None)
    takers = ("KeAcquireInStackQueuedSpinLock",)
    return release_and_lower(call, lock, takers, held.previous_irql if held else call.irql)


def ke_release_in_stack_queued_spin_lock_from_dpc_level(
    call: KernelCall, world: World
) -> tuple[Micro, ...]:
    """Release the lock and leave the IRQL alone.

    Windows: only for a lock taken by the AtDpcLevel routine (6.2, 6.2.4).
    Model: as documented.
    """
    takers = ("KeAcquireInStackQueuedSpinLockAtDpcLevel",)
    return release(call, _lock(call, world), takers, call.irql)


_TAKE = (Parameter("SpinLock"), Parameter("LockHandle", Passing.OUT, type=PVOID))
_GIVE = (Parameter("LockHandle", type=PVOID),)

ROUTINES = (
    KernelRoutine(
        "KeAcquireInStackQueuedSpinLock", _TAKE, ke_acquire_in_stack_queued_spin_lock, "6.2.13"
    ),
    KernelRoutine(
        "KeAcquireInStackQueuedSpinLockAtDpcLevel",
        _TAKE,
        ke_acquire_in_stack_queued_spin_lock_at_dpc_level,
        "6.2",
    ),
    KernelRoutine(
        "KeReleaseInStackQueuedSpinLock", _GIVE, ke_release_in_stack_queued_spin_lock, "6.2"
    ),
    KernelRoutine(
        "KeReleaseInStackQueuedSpinLockFromDpcLevel",
        _GIVE,
        ke_release_in_stack_queued_spin_lock_from_dpc_level,
        "6.2.4",
    ),
)
