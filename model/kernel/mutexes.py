"""Fast mutexes (rules 6.5.7 and 6.5.8): a lock that waits instead of spinning, held at APC_LEVEL."""

from ..expr import Constant
from .levels import APC_LEVEL, level_name
from .rule import Give, KernelCall, KernelRoutine, Micro, Step
from .signature import Parameter
from .world import World


def ex_acquire_fast_mutex(call: KernelCall, world: World) -> tuple[Micro, ...]:
    """Wait for the mutex and own it, at APC_LEVEL.

    Windows: at or below APC_LEVEL; not recursive (6.5.7, R52).
    Model: the wait and the change of level are one step; the thread floats while it waits.
    """
    del world
    mutex = call.text("FastMutex")
    checks = call.at_most(APC_LEVEL, "0xC4 DRIVER_VERIFIER_DETECTED_VIOLATION (0x33)")
    return (
        Step(f"{call.routine} takes {mutex}", "6.5.7", checks=checks, takes=mutex, irql=APC_LEVEL),
        Give(Constant(call.irql)),
    )


def ex_release_fast_mutex(call: KernelCall, world: World) -> tuple[Micro, ...]:
    """Give the mutex back and restore the IRQL from before.

    Windows: at exactly APC_LEVEL, by the owner (6.5.7).
    Model: one step.
    """
    del world
    mutex = call.text("FastMutex")
    held = next((item for item in call.held if item.lock == mutex), None)
    if held is None:
        return (
            call.broken(
                "release-of-unowned-lock",
                f"{call.routine} releases {mutex}, which the caller does not own",
            ),
        )
    if call.irql != APC_LEVEL:
        wrong = "irql-too-high" if call.irql > APC_LEVEL else "irql-too-low"
        return (
            call.broken(
                wrong,
                f"{call.routine} is called at {level_name(call.irql)}, not at APC_LEVEL",
                "0xC4 DRIVER_VERIFIER_DETECTED_VIOLATION (0x34)",
            ),
        )
    return (Step(call.routine, "6.5.7", drops=mutex, irql=held.previous_irql),)


_MUTEX = (Parameter("FastMutex"),)

ROUTINES = (
    KernelRoutine("ExAcquireFastMutex", _MUTEX, ex_acquire_fast_mutex, "6.5.7"),
    KernelRoutine("ExReleaseFastMutex", _MUTEX, ex_release_fast_mutex, "6.5.7"),
)
