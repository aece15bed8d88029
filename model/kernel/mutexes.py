"""Fast mutexes (rules 6.5.7, 6.5.8): a lock that waits instead of spinning, held at APC_LEVEL."""

from dataclasses import replace

from ..algebra import negation
from ..expr import Constant
from ..machine import Check
from .events import initialized, set_ready
from .levels import APC_LEVEL, DISPATCH_LEVEL
from .locks import MUTEX_TAKERS, embedded, free, in_memory, leaving
from .rule import KernelCall, KernelRoutine, Micro, Outcome, Step
from .signature import Parameter
from .world import World

_NOT_READY = "0xC4 DRIVER_VERIFIER_DETECTED_VIOLATION (0x1002)"


def _too_high(call: KernelCall) -> tuple[Check, ...]:
    """The caller is at or below APC_LEVEL (6.5.7, R52)."""
    return call.at_most(APC_LEVEL, "0xC4 DRIVER_VERIFIER_DETECTED_VIOLATION (0x33)")


def _ready(call: KernelCall, world: World, mutex: str) -> tuple[Check, ...]:
    """The mutex went through ExInitializeFastMutex, where the driver does that at all."""
    return tuple(replace(item, bug_check=_NOT_READY) for item in initialized(call, world, mutex))


def ex_initialize_fast_mutex(call: KernelCall, world: World) -> tuple[Micro, ...]:
    """Prepare a fast mutex.

    Windows: resident storage, at or below DISPATCH_LEVEL, before first use (6.5.11).
    Model: as KeInitializeSpinLock: a driver that never initialises a mutex is taken to do so
        elsewhere, one that does must do it before the first use. Initialising again a mutex that
        somebody owns is a violation: it would be free from then on, and its waiters forgotten.
    """
    mutex = embedded(call, world, "FastMutex", "FAST_MUTEX")
    unowned = Check(
        "uninitialized-object",
        free(world, mutex),
        f"{call.routine} initialises {mutex}, which is owned",
        "0xC4 DRIVER_VERIFIER_DETECTED_VIOLATION (0x1005)",
    )
    ready = Outcome(updates=set_ready(world, mutex))
    return (Step(call.routine, "6.5.11", (ready,), (*call.at_most(DISPATCH_LEVEL), unowned)),)


def ex_acquire_fast_mutex(call: KernelCall, world: World) -> tuple[Micro, ...]:
    """Wait for the mutex and own it, at APC_LEVEL.

    Windows: at or below APC_LEVEL; not recursive (6.5.7, R52).
    Model: the wait and the change of level are one step; the thread floats while it waits.
    """
    mutex = embedded(call, world, "FastMutex", "FAST_MUTEX")
    if any(item.lock == mutex for item in call.held) and call.irql <= APC_LEVEL:
        return (
            call.broken(
                "recursive-lock-acquire",
                f"{call.routine} waits for {mutex}, which the caller itself owns",
                "0xC4 DRIVER_VERIFIER_DETECTED_VIOLATION (0x1000)",
            ),
        )
    checks = _too_high(call) + _ready(call, world, mutex)
    checks += in_memory(call, world, mutex, call.irql)
    return (
        Step(
            f"{call.routine} takes {mutex}",
            "6.5.7",
            checks=checks,
            irql=APC_LEVEL,
            takes=mutex,
            saves=call.irql,
        ),
    )


def ex_try_to_acquire_fast_mutex(call: KernelCall, world: World) -> tuple[Micro, ...]:
    """Own the mutex if it is free, else return FALSE at once.

    Windows: at or below APC_LEVEL; TRUE means owned, at APC_LEVEL (6.5.7).
    Model: one step with two outcomes; for the owner itself the mutex is busy.
    """
    mutex = embedded(call, world, "FastMutex", "FAST_MUTEX")
    busy = Outcome(
        (negation(free(world, mutex)),),
        result=Constant(0),
        name=f"{call.routine} finds {mutex} busy",
    )
    got = Outcome(
        result=Constant(1),
        irql=APC_LEVEL,
        takes=mutex,
        saves=call.irql,
        name=f"{call.routine} takes {mutex}",
    )
    mine = any(item.lock == mutex for item in call.held)
    outcomes = (busy,) if mine else (got, busy)
    checks = _too_high(call) + _ready(call, world, mutex)
    return (Step(call.routine, "6.5.7", outcomes, checks),)


def ex_release_fast_mutex(call: KernelCall, world: World) -> tuple[Micro, ...]:
    """Give the mutex back and restore the IRQL from before.

    Windows: at exactly APC_LEVEL, by the owner (6.5.7).
    Model: one step.
    """
    mutex = embedded(call, world, "FastMutex", "FAST_MUTEX")
    held = next((item for item in call.held if item.lock == mutex), None)
    if held is None or held.taken_by not in MUTEX_TAKERS:
        return (
            call.broken(
                "release-of-unowned-lock",
                f"{call.routine} releases {mutex}, which the caller does not own",
                "0xC4 DRIVER_VERIFIER_DETECTED_VIOLATION (0x1007)",
            ),
        )
    wrong = call.exactly(APC_LEVEL, "0x34")
    if wrong is not None:
        return (wrong,)
    new = held.previous_irql
    checks = leaving(call, mutex, new)
    return (Step(call.routine, "6.5.7", checks=checks, drops=mutex, irql=new),)


_MUTEX = (Parameter("FastMutex"),)

ROUTINES = (
    KernelRoutine("ExInitializeFastMutex", _MUTEX, ex_initialize_fast_mutex, "6.5.11"),
    KernelRoutine("ExAcquireFastMutex", _MUTEX, ex_acquire_fast_mutex, "6.5.7"),
    KernelRoutine("ExTryToAcquireFastMutex", _MUTEX, ex_try_to_acquire_fast_mutex, "6.5.7"),
    KernelRoutine("ExReleaseFastMutex", _MUTEX, ex_release_fast_mutex, "6.5.7"),
)
