"""Races: memory that two contexts touch with nothing between them."""

from dirql.model.system import System

from .property import Conditions


def data_race(_system: System) -> Conditions:
    """One context can touch a plain location while another is about to, and one of them writes.

    What it checks:
        In every reachable state in which a context is about to touch a field plainly, that no step
        of another context is enabled that touches the same field (or the same element of an array),
        if one of the two writes. It does not matter whether the first context runs on another
        processor or was preempted there: a service routine that interrupts its own DPC between two
        accesses races with it on one processor too. Volatile and interlocked accesses do not race
        with each other, nor does a plain read race with interlocked ones.

    Why it matters:
        Nothing orders the two accesses. Which one wins is chance, the compiler may have cached or
        split either, and the invariant they share is broken in between.

    Example:
        def Ioctl(self):
            KeAcquireSpinLock(self.lock, OldIrql)      # keeps the DPC out, not the ISR
            self.pending = 0
            KeReleaseSpinLock(self.lock, OldIrql)

        def NICIsr(self, Interrupt, ServiceContext):
            self.pending = 1
            return TRUE

    Fixed:
        def Ioctl(self):
            KeSynchronizeExecution(self.Interrupt, self.ClearPending, NULL)

    References:
        1.3.4, 2.1.7, 6.1.2, 6.1.8, 6.3.1, 7.2.6, 10.59, R7, R37, R56;
        "Synchronizing access to device data", KeSynchronizeExecution; no bug check of its own.
    """
    return ()


def torn_read_modify_write(_system: System) -> Conditions:
    """An update of shared memory can be split by another context's write.

    What it checks:
        In every reachable state in which a context stands between the read and the write of one
        update, preempted or not, that no step of another context is enabled whose write would be
        lost. An update is one statement (`self.flags |= BUSY`), or several: the value is computed
        from what was read, through locals and helpers; the write happens because of what was read
        (`if self.pending: ...; self.pending = 0`); or a value is taken and its place cleared. An
        InterlockedExchange whose answer is thrown away is such a write too. A second look decides
        alone where the write rests on it as well, so a test that is repeated under the lock is
        fine. Declaring the field volatile does not help, nor does holding a lock
        for the read and again for the write. A write that stores what is there already is lost only
        if the value to come is computed, or the context has acted on what it read by then.

    Why it matters:
        The write stores a value computed from what the location held before: the other context's
        update is lost. A lost flag bit is the usual start of a hang.

    Example:
        def Halt(self):
            self.flags |= HALT                         # read; the DPC stores here; write

        def NICDpc(self, Dpc, DeferredContext):
            self.flags &= ~RESET

    Fixed:
        def Halt(self):
            InterlockedOr(self.flags, HALT)

        def NICDpc(self, Dpc, DeferredContext):
            InterlockedAnd(self.flags, ~RESET)

    References:
        1.3.1, 1.3.4, 6.1.8, 6.3.1, 6.3.3, 7.2.5, R32, R37, R56; InterlockedOr,
        "Accessing shared state information"; no bug check of its own.
    """
    return ()
