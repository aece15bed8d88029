"""What all locks have in common: levels, order of release, memory that must stay (rules 6.2)."""

from ..algebra import equal
from ..expr import FALSE, Constant, Expression
from ..machine import Check
from .levels import APC_LEVEL, DISPATCH_LEVEL, bad_address, level_name
from .rule import Held, KernelCall, RuleError
from .world import World

INTERRUPT_TAKERS = ("", "KeSynchronizeExecution", "KeAcquireInterruptSpinLock")
"""Who takes interrupt locks; the empty name is the kernel calling a service routine."""

MUTEX_TAKERS = ("ExAcquireFastMutex", "ExTryToAcquireFastMutex")


def embedded(call: KernelCall, world: World, parameter: str, wanted: str) -> str:
    """The name of the object of type `wanted` that is passed for `parameter`.

    Raises:
        RuleError: something else is passed.
    """
    name = call.text(parameter)
    found = world.objects.get(name)
    if found is None or found.type != wanted:
        raise RuleError(f"{call.routine}: {parameter} must be a {wanted}, not {name}")
    return name


def level_of(held: Held) -> int:
    """The level below which the owner of a lock must not go.

    Windows: a spin lock is held at DISPATCH_LEVEL at least, an interrupt lock at SynchronizeIrql
        (6.1.5), a fast mutex at APC_LEVEL (6.5.7).
    """
    if held.taken_by in MUTEX_TAKERS:
        return APC_LEVEL
    return held.irql if held.taken_by in INTERRUPT_TAKERS else DISPATCH_LEVEL


def not_below_locks(call: KernelCall, new: int, released: str = "") -> tuple[Check, ...]:
    """Going to level `new` stays at or above the level of every lock held but `released`."""
    return tuple(
        Check(
            "irql-lowered-below-lock",
            FALSE,
            f"{call.routine} goes to {level_name(new)} while {held.lock} is held",
            "0xF SPIN_LOCK_ALREADY_OWNED",
        )
        for held in call.held
        if held.lock != released and new < level_of(held)
    )


def leaving(call: KernelCall, lock: str, new: int) -> tuple[Check, ...]:
    """Releasing `lock` and going to `new`: last taken, first released, no lock left too low.

    Windows: out of order is Verifier 0xC4/0x1003; below the level of a lock still held another
        thread can be scheduled and take it (6.2.7, R45).
    """
    order: tuple[Check, ...] = ()
    if call.held and call.held[-1].lock != lock:
        order = (
            Check(
                "release-out-of-order",
                FALSE,
                f"{call.routine} releases {lock} before {call.held[-1].lock}, taken later",
                "0xC4 DRIVER_VERIFIER_DETECTED_VIOLATION (0x1003)",
            ),
        )
    return order + not_below_locks(call, new, released=lock)


def in_memory(call: KernelCall, world: World, lock: str, irql: int) -> tuple[Check, ...]:
    """The memory that holds the lock has not gone away while the caller was on its way to it."""
    alive = world.alive(lock)
    if alive is None:
        return ()
    return (
        Check(
            "use-after-free",
            alive,
            f"{call.routine} uses {lock}, whose memory is gone",
            bad_address(irql, in_kernel=True),
        ),
    )


def free(world: World, lock: str) -> Expression:
    """Whether nobody owns the lock."""
    return equal(world.owner(lock), Constant("none"))
