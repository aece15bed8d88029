"""A serial driver, fixed: whatever becomes of the request, the cancel lock is given back.

The twin of cancel_lock_kept.py. The decision is made under the lock and acted upon after its
release. Nobody completes the request twice: either the cancel routine was set under the lock, and
it completes the request, or the read path saw the cancellation and does.

Source: "Using the System's Cancel Spin Lock".
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
            IoReleaseCancelSpinLock(CancelIrql)
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
    expect={1: Holds(states=27), 2: Holds(states=62)},
)
