"""Rules on the interrupt request level: where a routine may be called, and how it leaves it."""

from dirql.model.system import System

from .property import Conditions


def irql_too_high(_system: System) -> Conditions:
    """A kernel routine is called above the highest IRQL its contract allows.

    What it checks:
        At every call of a kernel routine, the caller's IRQL against the routine's documented
        upper limit: PASSIVE_LEVEL for connect and disconnect, DISPATCH_LEVEL for events, timers,
        work items and executive spin locks, SynchronizeIrql for the interrupt lock.

    Why it matters:
        Above its limit a routine uses services that are switched off there: the dispatcher, the
        pager, the lock of a lower level. The machine stops or, worse, deadlocks now and then.

    Example:
        def NICIsr(self, Interrupt, ServiceContext):
            KeSetEvent(self.done, 0, FALSE)        # the ISR runs at DIRQL
            return TRUE

    Fixed:
        def NICIsr(self, Interrupt, ServiceContext):
            IoRequestDpc(self.device)              # and the DPC sets the event
            return TRUE

    References:
        2.1.1, 3.1.1, 3.2.1, 6.1.1, 6.2.1, 6.5.3, 7.5.1, R1, R29, R30, R38, R47, R52,
        R63, R64, R86;
        KeSetEvent, KeSynchronizeExecution, KeAcquireSpinLock, IoConnectInterruptEx;
        0xA IRQL_NOT_LESS_OR_EQUAL, 0xC4 DRIVER_VERIFIER_DETECTED_VIOLATION.
    """
    return ()


def irql_too_low(_system: System) -> Conditions:
    """A kernel routine is called below the lowest IRQL its contract allows.

    What it checks:
        At every call of a routine that relies on a raised level (the AtDpcLevel family, the
        release of a spin lock), that the caller is at least there.

    Why it matters:
        KeAcquireSpinLockAtDpcLevel does not raise. Called at PASSIVE_LEVEL it lets the owner be
        preempted while it holds the lock; whoever preempts it and wants the lock spins for ever.

    Example:
        def Ioctl(self):
            KeAcquireSpinLockAtDpcLevel(self.lock)     # at PASSIVE_LEVEL
            self.pending = 1
            KeReleaseSpinLockFromDpcLevel(self.lock)

    Fixed:
        def Ioctl(self):
            KeAcquireSpinLock(self.lock, OldIrql)      # raises first
            self.pending = 1
            KeReleaseSpinLock(self.lock, OldIrql)

    References:
        6.2.2, 6.2.3, R41, R47; KeAcquireSpinLockAtDpcLevel, KeReleaseSpinLock;
        0x9 IRQL_NOT_GREATER_OR_EQUAL, 0xC4/0x32, 0xC4/0x40, 0xC4/0x41.
    """
    return ()


def irql_not_restored(_system: System) -> Conditions:
    """A routine returns at another IRQL than the one it was entered at.

    What it checks:
        When a routine of the driver returns to the system, that its IRQL is the one at entry.

    Why it matters:
        The IRQL belongs to the processor, not to the routine. One that leaves it raised stops
        thread switching there; one that leaves it lowered lets in what its caller kept out.

    Example:
        def Ioctl(self):
            KeRaiseIrql(DISPATCH_LEVEL, OldIrql)
            if self.busy:
                return STATUS_DEVICE_NOT_READY         # still at DISPATCH_LEVEL
            KeLowerIrql(OldIrql)
            return STATUS_SUCCESS

    Fixed:
        def Ioctl(self):
            KeRaiseIrql(DISPATCH_LEVEL, OldIrql)
            busy = self.busy
            KeLowerIrql(OldIrql)
            return STATUS_DEVICE_NOT_READY if busy else STATUS_SUCCESS

    References:
        1.1.1, 4.1.6, 6.2.4, 7.1.13, 7.5.7, R27, R41, R48; KeRaiseIrql, KSERVICE_ROUTINE;
        0xC8 IRQL_UNEXPECTED_VALUE, 0xC4/0x111, 0xC9/0x05, 0xE1 WORKER_THREAD_RETURNED_AT_BAD_IRQL.
    """
    return ()


def irql_raised_downwards(_system: System) -> Conditions:
    """KeRaiseIrql is asked for a level below the current one.

    What it checks:
        At KeRaiseIrql, that the new level is not below the current one; at KeRaiseIrqlToDpcLevel,
        that the caller is not above DISPATCH_LEVEL. Raising to the current level is legal.

    Why it matters:
        It would lower the IRQL under whoever raised it. Windows stops when it notices, and free
        builds that do not notice let in the interrupts the caller thinks are masked.

    Example:
        def NICIsr(self, Interrupt, ServiceContext):
            KeRaiseIrql(DISPATCH_LEVEL, OldIrql)       # from DIRQL: downwards
            self.done += 1
            KeLowerIrql(OldIrql)
            return TRUE

    Fixed:
        def NICIsr(self, Interrupt, ServiceContext):
            KeInsertQueueDpc(self.dpc, NULL, NULL)
            return TRUE

        def NICDpc(self, Dpc, DeferredContext):        # already at DISPATCH_LEVEL
            self.done += 1

    References:
        1.4.1, 1.4.3, 1.4.4, 10.49, R48; KeRaiseIrql, KeRaiseIrqlToDpcLevel;
        0xA IRQL_NOT_LESS_OR_EQUAL, 0xC4/0x30.
    """
    return ()


def irql_lowered_wrongly(_system: System) -> Conditions:
    """KeLowerIrql, or the release of a lock, is given a level that was not the one saved.

    What it checks:
        At KeLowerIrql and at every release that restores a level, that the level is the value
        returned by the matching raise or acquire.

    Why it matters:
        Any other level breaks the stack of levels on that processor: too high masks interrupts
        for good, too low opens the door while somebody below still relies on it being shut.

    Example:
        KeAcquireSpinLock(self.outer, OuterIrql)
        KeAcquireSpinLock(self.inner, InnerIrql)
        KeReleaseSpinLock(self.inner, OuterIrql)       # PASSIVE_LEVEL, while outer is held

    Fixed:
        KeAcquireSpinLock(self.outer, OuterIrql)
        KeAcquireSpinLock(self.inner, InnerIrql)
        KeReleaseSpinLock(self.inner, InnerIrql)
        KeReleaseSpinLock(self.outer, OuterIrql)

    References:
        1.4.2, 6.1.5, 6.2.4, 6.4.2, 10.49, R40, R41, R48, R53; KeLowerIrql, KeReleaseSpinLock,
        KeReleaseInterruptSpinLock; 0xA IRQL_NOT_LESS_OR_EQUAL, 0xC4/0x31.
    """
    return ()


def irql_lowered_below_lock(_system: System) -> Conditions:
    """The IRQL is lowered below the level of a spin lock that is still held.

    What it checks:
        When the IRQL falls, that no lock is held that was taken at a higher level than the new
        one (interrupt locks: below their SynchronizeIrql).

    Why it matters:
        The owner can now be preempted on its own processor by code that wants the lock. That
        code spins above the owner, the owner never runs again, the processor is lost.

    Example:
        KeAcquireSpinLock(self.lock, OldIrql)
        KeLowerIrql(OldIrql)                           # lock still held
        KeReleaseSpinLockFromDpcLevel(self.lock)

    Fixed:
        KeAcquireSpinLock(self.lock, OldIrql)
        KeReleaseSpinLock(self.lock, OldIrql)          # releases, then lowers

    References:
        6.2.7, 6.2.11, R45; KeLowerIrql, KeReleaseSpinLock; 0xF SPIN_LOCK_ALREADY_OWNED.
    """
    return ()


def wait_at_dispatch_level(_system: System) -> Conditions:
    """A wait that may block is made at DISPATCH_LEVEL or above.

    What it checks:
        At KeWaitForSingleObject, KeDelayExecutionThread and other blocking calls, that the IRQL
        is at most APC_LEVEL. A zero timeout never blocks and is allowed at DISPATCH_LEVEL.

    Why it matters:
        Blocking means switching threads, and the dispatcher is off on this processor: it cannot
        happen. Spin-lock holders and DPCs that wait stop the machine.

    Example:
        def NICDpc(self, Dpc, DeferredContext):
            KeWaitForSingleObject(self.done, Executive, KernelMode, FALSE, NULL)

    Fixed:
        def NICDpc(self, Dpc, DeferredContext):
            IoQueueWorkItem(self.item, self.Worker)    # and the worker waits, at PASSIVE_LEVEL

    References:
        1.5.1, 1.5.2, 1.5.3, 1.5.6, R29, R49, R57; KeWaitForSingleObject, KeDelayExecutionThread;
        0xB8 ATTEMPTED_SWITCH_FROM_DPC, 0xA IRQL_NOT_LESS_OR_EQUAL, 0xC4/0x3B, 0xC4/0x121.
    """
    return ()
