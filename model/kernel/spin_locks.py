"""Executive spin locks (rules 6.2): an owner variable each, and the IRQL that goes with them.

Queued spin locks are in `queued_spin_locks.py`, the cancel spin lock in `cancel_lock.py`.
"""

from ..algebra import negation
from ..expr import FALSE, Constant
from ..machine import Check
from .c_types import KIRQL
from .levels import DISPATCH_LEVEL, level_name
from .locks import embedded, free, in_memory, leaving
from .rule import Give, Held, KernelCall, KernelRoutine, Micro, Outcome, Step
from .signature import Parameter, Passing
from .world import World

AT_DPC_LEVEL = ("KeAcquireSpinLockAtDpcLevel", "KeTryToAcquireSpinLockAtDpcLevel")
QUEUED = "Queued"
"""Part of the name of every routine for queued spin locks."""
RAISING = ("KeAcquireSpinLock", "KeAcquireSpinLockRaiseToDpc")


def initialized(call: KernelCall, world: World, lock: str) -> tuple[Check, ...]:
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


def one_family(call: KernelCall, world: World, lock: str, family: str) -> tuple[Check, ...]:
    """The lock is always used as an ordinary one, or always as a queued one.

    Windows: never both (6.2.5, R44); and one that ExInterlocked routines use above DISPATCH_LEVEL
        never as an ordinary one (6.3.3, 10.50).
    Model: a violation of every acquisition once the driver has both kinds of calls.
    """
    world.facts.add("lock family", lock, family)
    others = {str(item[1]) for item in world.facts.all("lock family") if item[0] == lock}
    if len(others) < 2:
        return ()
    return (
        Check(
            "mixed-lock-kinds",
            Constant(value=False),
            f"{call.routine} uses {lock}, which the driver also uses as {_other(others, family)}",
            "0xC4 DRIVER_VERIFIER_DETECTED_VIOLATION (0x1008)",
        ),
    )


def _other(families: set[str], family: str) -> str:
    """One of the other families, in words."""
    return f"a lock of the {min(families - {family})} family"


def ke_initialize_spin_lock(call: KernelCall, world: World) -> tuple[Micro, ...]:
    """Prepare a spin lock.

    Windows: resident storage, any IRQL, before first use (6.2, R6).
    Model: a driver that never initialises a lock is taken to do so elsewhere; one that does must
        do it before the first use. Initialising again a lock that nobody owns does nothing; one
        that somebody owns would be free from then on, which is a violation (6.2.14).
    """
    lock = embedded(call, world, "SpinLock", "KSPIN_LOCK")
    world.facts.add("initialized lock", lock)
    ready = world.flag(f"{lock} initialized")
    unowned = Check(
        "uninitialized-object",
        free(world, lock),
        f"{call.routine} initialises {lock}, which is owned",
        "0xC4 DRIVER_VERIFIER_DETECTED_VIOLATION (0x1005)",
    )
    update = ((ready.variable, Constant(value=True)),)
    return (Step(call.routine, "6.2", (Outcome(updates=update),), (unowned,)),)


def raise_and_take(
    call: KernelCall, world: World, lock: str, checks: tuple[Check, ...]
) -> tuple[Micro, ...]:
    """Raise to DISPATCH_LEVEL, then spin for `lock`; at DISPATCH_LEVEL only the spin is left."""
    checks += call.at_most(DISPATCH_LEVEL, "0xC4 DRIVER_VERIFIER_DETECTED_VIOLATION (0x42)")
    take = f"{call.routine} takes {lock}"
    if call.irql >= DISPATCH_LEVEL:
        return (Step(take, "6.2.1", checks=checks, takes=lock, saves=call.irql),)
    return (
        Step(call.routine, "6.2.11", checks=checks, irql=DISPATCH_LEVEL),
        Step(
            take,
            "6.2.1",
            checks=in_memory(call, world, lock, DISPATCH_LEVEL),
            takes=lock,
            saves=call.irql,
        ),
    )


def ke_acquire_spin_lock(call: KernelCall, world: World) -> tuple[Micro, ...]:
    """Raise to DISPATCH_LEVEL and take the lock; gives the old IRQL.

    Windows: caller at or below DISPATCH_LEVEL; above it is an error that can deadlock (6.2.1, R47).
    Model: raise and spin are two steps; at DISPATCH_LEVEL only the spin is left. Any spinner may
        be the next owner (6.2.13).
    """
    lock = embedded(call, world, "SpinLock", "KSPIN_LOCK")
    checks = initialized(call, world, lock) + one_family(call, world, lock, "ordinary")
    return (*raise_and_take(call, world, lock, checks), Give(Constant(call.irql)))


def ke_acquire_spin_lock_at_dpc_level(call: KernelCall, world: World) -> tuple[Micro, ...]:
    """Take the lock without touching the IRQL.

    Windows: fatal below DISPATCH_LEVEL (6.2.2); above it pages disagree (10.44).
    Model: allowed at and above DISPATCH_LEVEL; a lock used at several levels shows up as the
        deadlock it causes.
    """
    lock = embedded(call, world, "SpinLock", "KSPIN_LOCK")
    checks = (
        *initialized(call, world, lock),
        *one_family(call, world, lock, "ordinary"),
        *call.at_least(DISPATCH_LEVEL, "0xC4 DRIVER_VERIFIER_DETECTED_VIOLATION (0x40)"),
    )
    return (
        Step(f"{call.routine} takes {lock}", "6.2.2", checks=checks, takes=lock, saves=call.irql),
    )


def ke_try_to_acquire_spin_lock_at_dpc_level(call: KernelCall, world: World) -> tuple[Micro, ...]:
    """Take the lock if it is free, else return FALSE at once.

    Windows: at DISPATCH_LEVEL; TRUE means acquired, FALSE busy, without waiting (6.2).
    Model: one step with two outcomes; for the owner itself the lock is busy. Above DISPATCH_LEVEL
        as KeAcquireSpinLockAtDpcLevel (10.44).
    """
    lock = embedded(call, world, "SpinLock", "KSPIN_LOCK")
    checks = (
        *initialized(call, world, lock),
        *one_family(call, world, lock, "ordinary"),
        *call.at_least(DISPATCH_LEVEL, "0xC4 DRIVER_VERIFIER_DETECTED_VIOLATION (0x40)"),
    )
    taken = Outcome(
        result=Constant(1), name=f"{call.routine} takes {lock}", takes=lock, saves=call.irql
    )
    busy = Outcome(
        (negation(free(world, lock)),),
        result=Constant(0),
        name=f"{call.routine} finds {lock} busy",
    )
    mine = any(item.lock == lock for item in call.held)
    return (Step(call.routine, "6.2", (busy,) if mine else (taken, busy), checks),)


def ke_test_spin_lock(call: KernelCall, world: World) -> tuple[Micro, ...]:
    """Whether the lock is free.

    Windows: acquires nothing, so the answer may be old when it is used (6.2).
    Model: one step.
    """
    lock = embedded(call, world, "SpinLock", "KSPIN_LOCK")
    available = free(world, lock)
    return (
        Step(
            call.routine,
            "6.2",
            (
                Outcome((available,), result=Constant(1)),
                Outcome((negation(available),), result=Constant(0)),
            ),
            initialized(call, world, lock),
        ),
    )


def release(
    call: KernelCall, lock: str, takers: tuple[str, ...], new_irql: int
) -> tuple[Micro, ...]:
    """Release a lock taken by one of `takers`, going to `new_irql`."""
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
        return (_released_by_another(call, held, new_irql),)
    checks = leaving(call, lock, new_irql)
    return (
        Step(f"{call.routine} releases {lock}", "6.2", checks=checks, drops=lock, irql=new_irql),
    )


def _released_by_another(call: KernelCall, held: Held, new: int) -> Step:
    """A release by a routine that does not belong to the acquisition.

    Windows: forbidden (6.2.4, 6.2.5, R41). An ordinary lock is free then, and the level is the one
        that the routine leaves. A queued lock is a list of those who wait, and the other kind of
        release destroys it.
    Model: so on a free build. Going to a level that no raise of the caller's is to be restored to
        leaves the processor where its owner must not be, and is a crash.
    """
    lock = held.lock
    taker = held.taken_by or "the kernel for a service routine"
    detail = f"{lock} was taken by {taker} and is released by {call.routine}"
    if (QUEUED in held.taken_by) != (QUEUED in call.routine):
        crash = "0xC4 DRIVER_VERIFIER_DETECTED_VIOLATION (0x1008)"
        return call.broken("mixed-lock-kinds", detail, crash)
    another = Check(
        "mixed-lock-routines", FALSE, detail, "0xC4 DRIVER_VERIFIER_DETECTED_VIOLATION (0x1009)"
    )
    lowers = new != call.irql
    checks = (another, *(_lowers_wrongly(call, lock, new) if lowers else ()))
    return Step(
        f"{call.routine} releases {lock}",
        "6.2.4",
        checks=(*checks, *leaving(call, lock, new)),
        drops=lock,
        irql=new,
        lowers=lowers,
        still_raised_from=-1 if lowers else _still_raised_from(call, held),
    )


def _still_raised_from(call: KernelCall, held: Held) -> int:
    """The level before the acquisition, if the release leaves the caller raised; else -1."""
    return held.previous_irql if held.previous_irql < call.irql else -1


def _lowers_wrongly(call: KernelCall, lock: str, new: int) -> tuple[Check, ...]:
    """A release that lowers is at DISPATCH_LEVEL, and goes back to where the caller came from."""
    wrong = call.exactly(DISPATCH_LEVEL, "0x32")
    if wrong is not None:
        return wrong.checks
    if call.raised and call.raised[-1] == new:
        return ()
    detail = f"{call.routine} goes to {level_name(new)}, from where the caller did not raise"
    return (
        Check("irql-lowered-wrongly", FALSE, f"{detail} for {lock}", "0xA IRQL_NOT_LESS_OR_EQUAL"),
    )


def release_and_lower(
    call: KernelCall, lock: str, takers: tuple[str, ...], new: int
) -> tuple[Micro, ...]:
    """Release at DISPATCH_LEVEL a lock taken by a routine that raised the IRQL from `new`."""
    held = next((item for item in call.held if item.lock == lock), None)
    if held is None or held.taken_by not in takers:
        return release(call, lock, takers, new)
    exchanged = _exchanged(call, held, new)
    if exchanged is not None:
        return (exchanged,)
    if held.previous_irql != new:
        return (
            call.broken(
                "irql-lowered-wrongly",
                f"{call.routine} is given {level_name(new)}, but the caller was at "
                f"{level_name(held.previous_irql)} when it took {lock}",
                "0xA IRQL_NOT_LESS_OR_EQUAL",
            ),
        )
    wrong = call.exactly(DISPATCH_LEVEL, "0x32")
    if wrong is not None:
        return (wrong,)
    return release(call, lock, takers, new)


def _exchanged(call: KernelCall, held: Held, new: int) -> Step | None:
    """A release with the level that another raise saved, where the caller still comes down at last.

    Windows: the level is the one that the acquisition of this lock returned (R41).
    Model: a free build looks at the level only. Staying at DISPATCH_LEVEL with the level of a lock
        that is still held, and going down with the level of one that is not, leaves the processor
        where it belongs at every moment. Any other level is a crash.
    """
    if new == held.previous_irql or call.irql != DISPATCH_LEVEL or held.taken_by not in RAISING:
        return None
    saved = (item.previous_irql for item in call.held if item.lock != held.lock)
    stays = new == call.irql and new in saved
    comes_down = held.previous_irql == call.irql and call.raised[-1:] == (new,)
    if not (stays or comes_down):
        return None
    check = Check(
        "release-out-of-order",
        FALSE,
        f"{call.routine} is given {level_name(new)} for {held.lock}, the level that another raise "
        f"saved; the caller was at {level_name(held.previous_irql)} when it took {held.lock}",
    )
    return Step(
        f"{call.routine} releases {held.lock}",
        "6.2.3",
        checks=(check, *leaving(call, held.lock, new)),
        drops=held.lock,
        irql=new,
        lowers=comes_down,
        still_raised_from=-1 if comes_down else _still_raised_from(call, held),
    )


def ke_release_spin_lock(call: KernelCall, world: World) -> tuple[Micro, ...]:
    """Release the lock and go back to the saved IRQL.

    Windows: caller at DISPATCH_LEVEL, NewIrql as the acquire returned it (6.2.3, R41). After
        KeTryToAcquireSpinLockAtDpcLevel it fits only with NewIrql DISPATCH_LEVEL (10.46).
    Model: release and lower in one step; nothing can tell them apart.
    """
    lock = embedded(call, world, "SpinLock", "KSPIN_LOCK")
    return release_and_lower(
        call, lock, (*RAISING, "KeTryToAcquireSpinLockAtDpcLevel"), call.number("NewIrql")
    )


def ke_release_spin_lock_from_dpc_level(call: KernelCall, world: World) -> tuple[Micro, ...]:
    """Release the lock and leave the IRQL alone.

    Windows: at DISPATCH_LEVEL (6.2.2), only for a lock taken by an AtDpcLevel routine (6.2.4, R41);
        after a KeAcquireSpinLock the IRQL would never be restored.
    Model: as documented, and above DISPATCH_LEVEL as the acquisition (10.44).
    """
    lock = embedded(call, world, "SpinLock", "KSPIN_LOCK")
    return release(call, lock, AT_DPC_LEVEL, call.irql)


_LOCK = (Parameter("SpinLock"),)

ROUTINES = (
    KernelRoutine("KeInitializeSpinLock", _LOCK, ke_initialize_spin_lock, "6.2"),
    KernelRoutine(
        "KeAcquireSpinLock",
        (*_LOCK, Parameter("OldIrql", Passing.OUT, type=KIRQL)),
        ke_acquire_spin_lock,
        "6.2.1",
    ),
    KernelRoutine("KeAcquireSpinLockRaiseToDpc", _LOCK, ke_acquire_spin_lock, "6.2.1"),
    KernelRoutine(
        "KeReleaseSpinLock",
        (*_LOCK, Parameter("NewIrql", type=KIRQL, known=True)),
        ke_release_spin_lock,
        "6.2.3",
    ),
    KernelRoutine("KeAcquireSpinLockAtDpcLevel", _LOCK, ke_acquire_spin_lock_at_dpc_level, "6.2.2"),
    KernelRoutine(
        "KeReleaseSpinLockFromDpcLevel", _LOCK, ke_release_spin_lock_from_dpc_level, "6.2.4"
    ),
    KernelRoutine(
        "KeTryToAcquireSpinLockAtDpcLevel", _LOCK, ke_try_to_acquire_spin_lock_at_dpc_level, "6.2"
    ),
    KernelRoutine("KeTestSpinLock", _LOCK, ke_test_spin_lock, "6.2"),
)
