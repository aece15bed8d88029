"""Memory and values: lifetimes, pointers, indices, ranges."""

from dirql.model.system import System

from .property import Conditions


def uninitialized_object(_system: System) -> Conditions:
    """A kernel object is used before the routine that initialises it was called.

    What it checks:
        At every use of a spin lock, event, DPC, timer or work item, and at every connect that is
        given a spin lock, that its initialising routine ran before. And that a spin lock is not
        initialised while somebody owns it, nor a remove lock twice. An object of these kinds that
        the pattern never initialises is taken as initialised by code left out; for locks and
        timers the scope of the verdict says so.

    Why it matters:
        Zeroed or stale memory looks like a free lock or an empty list until somebody follows it.
        An interrupt can come the moment connect is called, so initialising "right after" is late.

    Example:
        IoConnectInterrupt(self.Interrupt, self.NICIsr, ...)
        KeInitializeDpc(self.dpc, self.NICDpc, NULL)   # the ISR may have queued it

    Fixed:
        KeInitializeDpc(self.dpc, self.NICDpc, NULL)
        IoConnectInterrupt(self.Interrupt, self.NICIsr, ...)

    References:
        2.1.4, 2.2.1, 6.2.14, 6.5.1, 6.6.1, 7.1.12, 7.2.1, R5, R6, R85; KeInitializeSpinLock,
        KeInitializeDpc, IoInitializeDpcRequest; 0xA IRQL_NOT_LESS_OR_EQUAL, 0xC4/0x1002,
        0xC4/0x1005, 0xC4/0xD7.
    """
    return ()


def use_after_free(_system: System) -> Conditions:
    """A field of an object is touched after the object was freed.

    What it checks:
        At every access to a field, and every kernel routine given an object, that the memory
        that holds it is allocated.

    Why it matters:
        The memory belongs to somebody else. Reads see their data, writes destroy it.

    Example:
        def Close(self):
            ExFreePool(self.request)                   # the DPC is still working on it

    Fixed:
        def Close(self):
            KeFlushQueuedDpcs()
            ExFreePool(self.request)

    References:
        2.1.4, 3.1.7, 3.1.11, 3.4.1, 3.4.2, 3.4.10, 6.6.4, 7.1.12, 7.3.4, R6, R60, R64, R77,
        R79, R85; ExFreePool, IoDeleteDevice, IoReleaseRemoveLockAndWait,
        "Releasing driver-allocated resources"; 0xD1 DRIVER_IRQL_NOT_LESS_OR_EQUAL.
    """
    return ()


def use_after_unmap(_system: System) -> Conditions:
    """A device register is touched while the device's registers are not mapped.

    What it checks:
        At every register access of the driver, that MmMapIoSpace has mapped the device and
        MmUnmapIoSpace has not unmapped it.

    Why it matters:
        The address is invalid, and it is touched at DISPATCH_LEVEL or DIRQL, where a fault is
        the end. It is what a DPC that outlives the disconnect does first.

    Example:
        def Remove(self):
            IoDisconnectInterrupt(self.Interrupt)
            MmUnmapIoSpace(self.nic)                   # a queued DPC still reads the status

    Fixed:
        def Remove(self):
            IoDisconnectInterrupt(self.Interrupt)
            KeFlushQueuedDpcs()
            MmUnmapIoSpace(self.nic)

    References:
        2.2.4, 3.1.10, 3.3.4, 3.4.1, 3.4.2, R4, R24, R79; MmUnmapIoSpace,
        "Handling device power-down IRPs";
        0xD1 DRIVER_IRQL_NOT_LESS_OR_EQUAL.
    """
    return ()


def null_dereference(_system: System) -> Conditions:
    """A field is reached through a reference that is NULL, or a NULL routine is called.

    What it checks:
        At every access through a reference, and every call through a routine pointer, that it is
        not NULL.

    Why it matters:
        At DISPATCH_LEVEL and above it is a bug check. Between threads and DPCs the test and the
        use are often two steps, with the store of NULL in between.

    Example:
        def NICDpc(self, Dpc, DeferredContext):
            if self.current:
                self.current.status = 1                # cleared by another DPC in between

    Fixed:
        def NICDpc(self, Dpc, DeferredContext):
            request = InterlockedExchangePointer(self.current, NULL)
            if request:
                request.status = 1

    References:
        1.5.7, 2.2.1, 4.1.7, 7.2.5, R5, R28, R56; "Managing hardware priorities";
        0xD1 DRIVER_IRQL_NOT_LESS_OR_EQUAL, 0xA IRQL_NOT_LESS_OR_EQUAL.
    """
    return ()


def double_free(_system: System) -> Conditions:
    """Memory is freed that is not allocated.

    What it checks:
        At every free, that the object is allocated and was not freed before.

    Why it matters:
        The pool's own lists are destroyed. The usual cause is a reference count that is
        decremented and tested in two steps: two contexts see zero.

    Example:
        def Release(self):
            InterlockedDecrement(self.refs)
            if self.refs == 0:                         # both of the last two see 0
                ExFreePool(self.request)

    Fixed:
        def Release(self):
            if InterlockedDecrement(self.refs) == 0:
                ExFreePool(self.request)

    References:
        6.3.1, 7.5.4; ExFreePool, InterlockedDecrement;
        0xC2 BAD_POOL_CALLER.
    """
    return ()


def index_out_of_range(_system: System) -> Conditions:
    """An array is indexed outside its elements.

    What it checks:
        At every access to an array field, that the index is one of its elements.

    Why it matters:
        The neighbour in memory is read or overwritten. With a shared index the test that was made
        before the access may no longer be true.

    Example:
        def KeyboardIsr(self, Interrupt, ServiceContext):
            self.buffer[self.count] = 1                # nobody tests for full
            self.count += 1
            return TRUE

    Fixed:
        def KeyboardIsr(self, Interrupt, ServiceContext):
            if self.count < 4:
                self.buffer[self.count] = 1
                self.count += 1
            return TRUE

    References:
        4.1.7, 6.1.8, R28, R37; the pattern's own source; 0xD1 DRIVER_IRQL_NOT_LESS_OR_EQUAL at
        best.
    """
    return ()


def value_out_of_range(_system: System) -> Conditions:
    """A value is stored that does not fit the declared range of its field or local.

    What it checks:
        At every store, that the value is in the declared range. Fields declared `wrapping` or
        `saturating` take any value.

    Why it matters:
        Either the counter really overflows (it is decremented more often than incremented, say),
        or the range declared in the pattern is too small to say anything about the driver.

    Example:
        pending = Int(0, 3)

        def NICDpc(self, Dpc, DeferredContext):
            self.pending -= 1                          # two DPCs, one interrupt: below zero

    Fixed:
        def NICDpc(self, Dpc, DeferredContext):
            KeAcquireSpinLockAtDpcLevel(self.lock)     # one DPC can run on two processors
            if self.pending > 0:
                self.pending -= 1
            KeReleaseSpinLockFromDpcLevel(self.lock)

    References:
        7.1.5, 7.2.3, R55, R56; the pattern's own source; no bug check of its own.
    """
    return ()
