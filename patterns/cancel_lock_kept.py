"""A serial driver: the path of a request that was cancelled early returns with the cancel lock.

To park a read, the driver takes the cancel spin lock, looks whether the request was cancelled
before, and else makes it cancelable. The I/O manager calls the cancel routine with the lock held,
and the routine gives it back.

Bug: when the request was cancelled already, the driver returns at once and keeps the lock. There is
one such lock in the whole system: the next driver on any processor that wants it spins for ever.

Source: "Using the System's Cancel Spin Lock"; when a cancel routine makes the same mistake, Windows
stops with 0x11B, DRIVER_RETURNED_HOLDING_CANCEL_LOCK.

In the trace the cancellation comes first. The method IoCancelIrp stands for the I/O manager.
"""

from dirql.model.wdk import *


class Irp(Structure):
    Cancel = Bit(0)
    CancelRoutine = RoutineReference("CancelRead")
    completed = Bit(0, volatile=True)


class Serial(Driver):
    irp = Irp()

    def Read(self):
        IoAcquireCancelSpinLock(CancelIrql)
        if self.irp.Cancel:
            return self.CompleteCancelled()
        self.irp.CancelRoutine = self.CancelRead
        IoReleaseCancelSpinLock(CancelIrql)
        return STATUS_PENDING

    def CancelRead(self, CancelIrql):
        IoReleaseCancelSpinLock(CancelIrql)
        self.CompleteCancelled()

    def CompleteCancelled(self):
        assert not self.irp.completed, "the request is completed twice"
        self.irp.completed = 1
        return STATUS_CANCELLED

    def IoCancelIrp(self):
        IoAcquireCancelSpinLock(CancelIrql)
        self.irp.Cancel = 1
        routine = self.irp.CancelRoutine
        self.irp.CancelRoutine = NULL
        if routine:
            routine(CancelIrql)
        else:
            IoReleaseCancelSpinLock(CancelIrql)


scenario = Scenario(
    concurrently=[Serial.Read, Serial.IoCancelIrp],
    processors=[1, 2],
    expect={
        1: Violated("lock-held-at-return", steps=12, states=24),
        2: Violated("lock-held-at-return", steps=12, states=60),
    },
)
