"""The cancel spin lock (rules 6.4): one for the whole system."""

from ..expr import Constant
from .c_types import KIRQL
from .rule import Give, KernelCall, KernelRoutine, Micro
from .signature import Parameter, Passing
from .spin_locks import raise_and_take, release_and_lower
from .world import World

CANCEL_LOCK = "cancel spin lock"


def io_acquire_cancel_spin_lock(call: KernelCall, world: World) -> tuple[Micro, ...]:
    """Raise to DISPATCH_LEVEL and take the system's cancel lock; gives the old IRQL.

    Windows: caller at or below DISPATCH_LEVEL (6.4.1).
    Model: as KeAcquireSpinLock. Other drivers, which use the same lock, are not modelled.
    """
    return (*raise_and_take(call, world, CANCEL_LOCK, ()), Give(Constant(call.irql)))


def io_release_cancel_spin_lock(call: KernelCall, _world: World) -> tuple[Micro, ...]:
    """Release the cancel lock and go back to the saved IRQL.

    Windows: at DISPATCH_LEVEL, with the IRQL that the acquisition returned (6.4.1, R53).
    Model: release and lower in one step.
    """
    return release_and_lower(call, CANCEL_LOCK, ("IoAcquireCancelSpinLock",), call.number("Irql"))


ROUTINES = (
    KernelRoutine(
        "IoAcquireCancelSpinLock",
        (Parameter("Irql", Passing.OUT, type=KIRQL),),
        io_acquire_cancel_spin_lock,
        "6.4.1",
    ),
    KernelRoutine(
        "IoReleaseCancelSpinLock",
        (Parameter("Irql", type=KIRQL, known=True),),
        io_release_cancel_spin_lock,
        "6.4.1",
    ),
)
