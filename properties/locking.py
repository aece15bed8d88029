"""Spin locks: who owns them, in which order, and who waits for whom."""

from dirql.model.algebra import negation
from dirql.model.machine import Invariant
from dirql.model.system import System

from .property import Conditions
from .waits import cycles, preemptions, recursions

HANG = "0x133 DPC_WATCHDOG_VIOLATION"
"""What becomes of a processor that spins for ever between DISPATCH_LEVEL and the clock (7.6.4)."""


def recursive_lock_acquire(_system: System) -> Conditions:
    """A context takes a spin lock that it already owns.

    What it checks:
        At every acquisition of a spin lock, and of an interrupt lock by KeSynchronizeExecution or
        KeAcquireInterruptSpinLock, that the caller does not own the lock. A service routine owns
        the lock of its interrupt object.

    Why it matters:
        Spin locks have no memory of their owner. The second acquisition waits for the first to
        end, and the first waits for the second.

    Example:
        def NICIsr(self, Interrupt, ServiceContext):
            KeSynchronizeExecution(Interrupt, self.Mask, NULL)     # the ISR owns that lock
            return TRUE

    Fixed:
        def NICIsr(self, Interrupt, ServiceContext):
            self.Mask(NULL)
            return TRUE

    References:
        6.1.6, 6.2.6, 6.5.7, 10.47, R34, R42, R52; KeAcquireSpinLock, KeSynchronizeExecution;
        0xF SPIN_LOCK_ALREADY_OWNED, 0xC4/0x1000.
    """
    return ()


def release_of_unowned_lock(_system: System) -> Conditions:
    """A context releases a spin lock that it does not own.

    What it checks:
        At every release, that the lock is owned by the releasing context; of a remove lock, that
        it is acquired at all.

    Why it matters:
        The lock is taken from under its real owner: two contexts are now inside, or the next
        release frees it a second time.

    Example:
        KeAcquireSpinLock(self.lock, OldIrql)
        if self.idle:
            KeReleaseSpinLock(self.lock, OldIrql)
        KeReleaseSpinLock(self.lock, OldIrql)          # twice when idle

    Fixed:
        KeAcquireSpinLock(self.lock, OldIrql)
        idle = self.idle
        KeReleaseSpinLock(self.lock, OldIrql)

    References:
        6.1.5, 6.2.3, 6.2.12, 6.6.3, 6.6.4, R40, R41; KeReleaseSpinLock,
        KeReleaseInterruptSpinLock, IoReleaseRemoveLock; 0x10 SPIN_LOCK_NOT_OWNED, 0xC4/0x32,
        0xC4/0x1004, 0xC4/0x1007, 0xC4/0xD5.
    """
    return ()


def release_out_of_order(_system: System) -> Conditions:
    """Nested spin locks are released in another order than the reverse of taking them.

    What it checks:
        At every release, that the lock is the one taken last among those still held.

    Why it matters:
        Each release restores the level saved by its acquisition. Out of order, the outer release
        lowers the IRQL while the inner lock is held.

    Example:
        KeAcquireSpinLock(self.outer, OuterIrql)
        KeAcquireSpinLock(self.inner, InnerIrql)
        KeReleaseSpinLock(self.outer, OuterIrql)
        KeReleaseSpinLock(self.inner, InnerIrql)

    Fixed:
        KeAcquireSpinLock(self.outer, OuterIrql)
        KeAcquireSpinLock(self.inner, InnerIrql)
        KeReleaseSpinLock(self.inner, InnerIrql)
        KeReleaseSpinLock(self.outer, OuterIrql)

    References:
        1.1.1, 6.2.7, 6.2.12, R41, R45, R48; KeReleaseSpinLock; 0xC4/0x1003.
    """
    return ()


def mixed_lock_routines(_system: System) -> Conditions:
    """A spin lock is released by, or through, something that did not take it.

    What it checks:
        At every release, that its routine belongs to the acquisition: KeReleaseSpinLock to
        KeAcquireSpinLock, KeReleaseSpinLockFromDpcLevel to KeAcquireSpinLockAtDpcLevel, and so on;
        at KeReleaseInterruptSpinLock, that the interrupt object is the one of the acquisition,
        though another may share the lock.

    Why it matters:
        The FromDpcLevel form does not restore the IRQL. After KeAcquireSpinLock the processor
        stays at DISPATCH_LEVEL, and the fault shows up somewhere else entirely.

    Example:
        KeAcquireSpinLock(self.lock, OldIrql)
        KeReleaseSpinLockFromDpcLevel(self.lock)

    Fixed:
        KeAcquireSpinLock(self.lock, OldIrql)
        KeReleaseSpinLock(self.lock, OldIrql)

    References:
        6.1.5, 6.2.4, 10.46, R40, R41; KeReleaseSpinLockFromDpcLevel, KeReleaseInterruptSpinLock;
        0xC4/0x1009.
    """
    return ()


def mixed_lock_kinds(_system: System) -> Conditions:
    """One spin lock is used as two kinds: ordinary, queued, or of the ExInterlocked routines.

    What it checks:
        At every acquisition, that no lock is taken both as an ordinary and as a queued one, nor as
        an ordinary one beside ExInterlocked routines above DISPATCH_LEVEL. At every release, that
        it is of the kind of the acquisition.

    Why it matters:
        An ordinary lock is a bit, a queued one a list of those who wait. Each kind takes what the
        other left for its own: two owners at once, or waiters that nobody wakes.

    Example:
        KeAcquireSpinLock(self.lock, OldIrql)
        KeReleaseSpinLock(self.lock, OldIrql)
        KeAcquireInStackQueuedSpinLock(self.lock, LockHandle)
        KeReleaseInStackQueuedSpinLock(LockHandle)

    Fixed:
        KeAcquireInStackQueuedSpinLock(self.lock, LockHandle)
        KeReleaseInStackQueuedSpinLock(LockHandle)
        KeAcquireInStackQueuedSpinLock(self.lock, LockHandle)
        KeReleaseInStackQueuedSpinLock(LockHandle)

    References:
        6.2.5, 6.3.3, 10.50, R44; KeAcquireInStackQueuedSpinLock, ExInterlockedInsertHeadList;
        0xC4/0x1008.
    """
    return ()


def lock_held_at_return(_system: System) -> Conditions:
    """A routine returns to the system while it owns a spin lock that it took.

    What it checks:
        When a routine of the driver returns to the system, that it holds no lock but those the
        system took for it.

    Why it matters:
        The next context that wants the lock spins for ever. Usually an early `return` on an
        error path.

    Example:
        KeAcquireSpinLock(self.lock, OldIrql)
        if not self.ready:
            return STATUS_DEVICE_NOT_READY
        KeReleaseSpinLock(self.lock, OldIrql)
        return STATUS_SUCCESS

    Fixed:
        KeAcquireSpinLock(self.lock, OldIrql)
        ready = self.ready
        KeReleaseSpinLock(self.lock, OldIrql)
        if not ready:
            return STATUS_DEVICE_NOT_READY
        return STATUS_SUCCESS

    References:
        6.2.9, 6.2.10, 6.4.2, R46, R53; KeReleaseSpinLock, "SpinLock rule (wdm)";
        0xC8 IRQL_UNEXPECTED_VALUE, 0x11B DRIVER_RETURNED_HOLDING_CANCEL_LOCK for the cancel lock.
    """
    return ()


def preemption_deadlock(system: System) -> Conditions:
    """A context spins for a lock whose owner it interrupted on the same processor.

    What it checks:
        In every state, that no context stands before the acquisition of a lock whose owner lies
        below it on the same processor's stack. The owner cannot run before the spinner is done.

    Why it matters:
        One processor is lost at once, and the others follow when they want the lock. It needs an
        interrupt in a window of a few instructions, so it passes every test.

    Example:
        def Ioctl(self):
            KeAcquireSpinLock(self.lock, OldIrql)      # DISPATCH_LEVEL: the ISR still comes in
            self.count += 1
            KeReleaseSpinLock(self.lock, OldIrql)

        def NICIsr(self, Interrupt, ServiceContext):
            KeAcquireSpinLockAtDpcLevel(self.lock)
            self.count += 1
            KeReleaseSpinLockFromDpcLevel(self.lock)
            return TRUE

    Fixed:
        def Ioctl(self):
            OldIrql = KeAcquireInterruptSpinLock(self.Interrupt)
            self.count += 1
            KeReleaseInterruptSpinLock(self.Interrupt, OldIrql)

        def NICIsr(self, Interrupt, ServiceContext):
            self.count += 1                            # it is called with that lock held
            return TRUE

    References:
        1.3.2, 1.3.8, 2.1.8, 2.1.10, 6.1.7, 7.6.4, 10.44, R8, R30, R37;
        "Accessing shared state information"; 0x133 DPC_WATCHDOG_VIOLATION.
    """
    return tuple(
        Invariant(
            "preemption-deadlock",
            negation(found.holds),
            f"{found.contexts[0]} spins for {found.lock}, and interrupted its owner "
            f"{found.contexts[1]}, which cannot run before it is done",
            HANG,
        )
        for found in preemptions(system)
    )


def lock_cycle(system: System) -> Conditions:
    """Contexts spin for each other's spin locks, or wait for each other's fast mutexes.

    What it checks:
        In every state, that there is no ring of contexts in which each waits for a lock owned by
        the next one, or by somebody the next one has interrupted on its processor. A ring of
        spinners has at most one per processor; threads that wait for a mutex occupy none.

    Why it matters:
        No context of the ring ever moves again. Locks taken in opposite orders are the classic
        case; the ring through an interrupted owner is the one lock-order checkers miss.

    Example:
        def Send(self):
            KeAcquireSpinLock(self.send_lock, OldIrql)
            KeAcquireSpinLockAtDpcLevel(self.device_lock)
            KeReleaseSpinLockFromDpcLevel(self.device_lock)
            KeReleaseSpinLock(self.send_lock, OldIrql)

        def Reset(self):
            KeAcquireSpinLock(self.device_lock, OldIrql)
            KeAcquireSpinLockAtDpcLevel(self.send_lock)
            KeReleaseSpinLockFromDpcLevel(self.send_lock)
            KeReleaseSpinLock(self.device_lock, OldIrql)

    Fixed:
        def Reset(self):
            KeAcquireSpinLock(self.send_lock, OldIrql)         # the same order everywhere
            KeAcquireSpinLockAtDpcLevel(self.device_lock)
            KeReleaseSpinLockFromDpcLevel(self.device_lock)
            KeReleaseSpinLock(self.send_lock, OldIrql)

    References:
        1.3.2, 1.3.8, 6.2.6, 6.2.8, 7.6.4, R43;
        "Preventing errors and deadlocks while using spin locks";
        0x133 DPC_WATCHDOG_VIOLATION, 0xC4/0x1001.
    """
    return tuple(
        Invariant(
            "lock-cycle",
            negation(found.holds),
            f"{', '.join(found.contexts[:-1])} and {found.contexts[-1]} "
            f"{'wait' if found.asleep else 'spin'}, each for a lock "
            f"that cannot be released before the next one has moved",
            "" if found.asleep else HANG,
        )
        for found in cycles(system)
    )


def deadlock_goals(system: System) -> tuple[Invariant, ...]:
    """All invariants that say "no context waits in a circle", recursion included.

    They are what a proof of freedom from spin-lock deadlock has to show. The exploration needs
    only two of the three, because a recursive acquisition breaks its rule when it is tried.
    """
    recursive = (
        Invariant(
            "recursive-lock-acquire",
            negation(found.holds),
            f"{found.contexts[0]} is about to take {found.lock}, which it owns",
            "0xF SPIN_LOCK_ALREADY_OWNED",
        )
        for found in recursions(system)
    )
    conditions = (*recursive, *preemption_deadlock(system), *lock_cycle(system))
    return tuple(item for item in conditions if isinstance(item, Invariant))
