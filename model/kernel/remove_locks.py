"""Remove locks (rules 6.6): a count of those who still use a device, and an end to them."""

from ..algebra import equal, if_then_else, less, negation
from ..domain import Range
from ..expr import FALSE, TRUE, Arithmetic, Constant, Expression, Read
from ..machine import MODEL_BOUND, Check
from .c_types import PVOID, ULONG
from .constants import STATUS_DELETE_PENDING, STATUS_SUCCESS
from .events import initialized, set_ready
from .levels import DISPATCH_LEVEL, PASSIVE_LEVEL
from .locks import embedded, in_memory
from .rule import KernelCall, KernelRoutine, Micro, Outcome, Step
from .signature import Parameter
from .world import World

_MOST = 15
"""How many acquisitions of one remove lock the model can count."""


def _remove_lock(call: KernelCall, world: World) -> str:
    """The remove lock passed."""
    return embedded(call, world, "RemoveLock", "IO_REMOVE_LOCK")


def acquisitions(world: World, lock: str) -> Read:
    """How many acquisitions have not been released yet."""
    return world.variable(f"{lock} acquisitions", Range(0, _MOST), (0,))


def removed(world: World, lock: str) -> Read:
    """Whether IoReleaseRemoveLockAndWait was called: no acquisition succeeds any more."""
    return world.flag(f"{lock} removed")


def io_initialize_remove_lock(call: KernelCall, world: World) -> tuple[Micro, ...]:
    """Prepare a remove lock.

    Windows: at PASSIVE_LEVEL, once: not even after the device was removed (6.6.1).
    Model: a lock that the driver never initialises is taken to be ready; one that it does
        initialise must be so before the first use. A second time is a violation.
    """
    lock = _remove_lock(call, world)
    world.facts.add("initialized object", lock)
    once = Check(
        "uninitialized-object",
        equal(world.flag(f"{lock} initialized"), FALSE),
        f"{call.routine} initialises {lock} a second time",
        "0xC4 DRIVER_VERIFIER_DETECTED_VIOLATION (0xD7)",
    )
    ready = Outcome(updates=set_ready(world, lock))
    return (Step(call.routine, "6.6.1", (ready,), (*call.at_most(PASSIVE_LEVEL), once)),)


def io_acquire_remove_lock(call: KernelCall, world: World) -> tuple[Micro, ...]:
    """Keep the device from being removed; fails once its removal has begun.

    Windows: at or below DISPATCH_LEVEL; STATUS_DELETE_PENDING once IoReleaseRemoveLockAndWait was
        called: the caller then starts nothing (6.6.2).
    Model: one step. The tag, which only Driver Verifier looks at, is not.
    """
    lock = _remove_lock(call, world)
    count, gone = acquisitions(world, lock), removed(world, lock)
    room = Check(
        MODEL_BOUND,
        less(count, Constant(_MOST)),
        f"{lock} is acquired more than {_MOST} times at once",
    )
    checks = (*call.at_most(DISPATCH_LEVEL), *initialized(call, world, lock), room)
    more = (count.variable, Arithmetic("+", count, Constant(1)))
    acquired = Outcome((negation(gone),), (more,), result=Constant(STATUS_SUCCESS))
    refused = Outcome(
        (gone,),
        result=Constant(STATUS_DELETE_PENDING),
        name=f"{call.routine}: STATUS_DELETE_PENDING",
    )
    return (Step(call.routine, "6.6.2", (acquired, refused), checks),)


def _given_back(
    call: KernelCall, world: World, lock: str, code: str
) -> tuple[tuple[str, Expression], Check]:
    """The update that gives one acquisition back, and the check that there is one."""
    count = acquisitions(world, lock)
    less_one = Arithmetic("-", count, Constant(1))
    some = less(Constant(0), count)
    held = Check(
        "release-of-unowned-lock",
        some,
        f"{call.routine} releases {lock}, which nobody has acquired",
        f"0xC4 DRIVER_VERIFIER_DETECTED_VIOLATION ({code})",
    )
    return (count.variable, if_then_else(some, less_one, Constant(0))), held


def io_release_remove_lock(call: KernelCall, world: World) -> tuple[Micro, ...]:
    """Give an acquisition back.

    Windows: at or below DISPATCH_LEVEL; once for each acquisition, with its tag (6.6.3).
    Model: one step. Any context may give back what another one acquired: a DPC does so for the
        thread that started the request.
    """
    lock = _remove_lock(call, world)
    fewer, held = _given_back(call, world, lock, "0xD5")
    checks = (*call.at_most(DISPATCH_LEVEL), *initialized(call, world, lock), held)
    return (Step(call.routine, "6.6.3", (Outcome(updates=(fewer,)),), checks),)


def io_release_remove_lock_and_wait(call: KernelCall, world: World) -> tuple[Micro, ...]:
    """Let nobody acquire the lock any more, give the own acquisition back, wait for all others.

    Windows: at PASSIVE_LEVEL, while IRP_MN_REMOVE_DEVICE is handled; the caller has acquired the
        lock; returns when every acquisition has been given back (6.6.4, R85).
    Model: two steps. That it is called for a removal is the pattern's business.
    """
    lock = _remove_lock(call, world)
    fewer, held = _given_back(call, world, lock, "0xD6")
    once = Check(
        "release-of-unowned-lock",
        negation(removed(world, lock)),
        f"{call.routine} is called a second time for {lock}",
        "0xC4 DRIVER_VERIFIER_DETECTED_VIOLATION (0xD6)",
    )
    checks = (*call.at_most(PASSIVE_LEVEL), *initialized(call, world, lock), once, held)
    ended = equal(acquisitions(world, lock), Constant(0))
    begins = Outcome(updates=((removed(world, lock).variable, TRUE), fewer))
    return (
        Step(call.routine, "6.6.4", (begins,), checks),
        Step(
            f"{call.routine} waits for {lock}",
            "6.6.4",
            (Outcome((ended,), result=Constant(0)),),
            in_memory(call, world, lock, call.irql),
            waits_on=lock,
        ),
    )


_LOCK = (Parameter("RemoveLock"), Parameter("Tag", type=PVOID, default="NULL"))

ROUTINES = (
    KernelRoutine(
        "IoInitializeRemoveLock",
        (
            Parameter("RemoveLock"),
            Parameter("AllocateTag", type=ULONG, default=0),
            Parameter("MaxLockedMinutes", type=ULONG, default=0),
            Parameter("HighWatermark", type=ULONG, default=0),
        ),
        io_initialize_remove_lock,
        "6.6.1",
    ),
    KernelRoutine("IoAcquireRemoveLock", _LOCK, io_acquire_remove_lock, "6.6.2"),
    KernelRoutine("IoReleaseRemoveLock", _LOCK, io_release_remove_lock, "6.6.3"),
    KernelRoutine("IoReleaseRemoveLockAndWait", _LOCK, io_release_remove_lock_and_wait, "6.6.4"),
)
