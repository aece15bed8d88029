"""A serial driver, fixed: the cancel routine goes back to the IRQL that the canceller saved.

The twin of cancel_irql_guessed.py. Whoever calls a cancel routine stores the IRQL at which it took
the cancel spin lock in the request; the routine gives the lock back with that.

Source: DRIVER_CANCEL, remarks: the routine calls IoReleaseCancelSpinLock with Irp->CancelIrql.
"""

from dirql.model.wdk import *


class Irp(Structure):
    CancelIrql = Int(0, 2)
    CancelRoutine = RoutineReference("CancelRead")
    completed = Bit(0)


class Serial(Driver):
    irp = Irp()
    ReadTimer = KTIMER()
    ReadTimeoutDpc = KDPC()

    def Read(self):
        KeInitializeTimer(self.ReadTimer)
        KeInitializeDpc(self.ReadTimeoutDpc, self.ReadTimeout)
        IoAcquireCancelSpinLock(OldIrql)
        self.irp.CancelRoutine = self.CancelRead
        IoReleaseCancelSpinLock(OldIrql)
        KeSetTimer(self.ReadTimer, 1, self.ReadTimeoutDpc)
        return STATUS_PENDING

    def ReadTimeout(self, Dpc, DeferredContext):
        self.IoCancelIrp()

    def CancelRead(self):
        IoReleaseCancelSpinLock(self.irp.CancelIrql)
        assert not self.irp.completed, "the request is completed twice"
        self.irp.completed = 1

    def IoCancelIrp(self):
        IoAcquireCancelSpinLock(OldIrql)
        routine = self.irp.CancelRoutine
        self.irp.CancelRoutine = NULL
        if routine:
            self.irp.CancelIrql = OldIrql
            routine()
        else:
            IoReleaseCancelSpinLock(OldIrql)


scenario = Scenario(
    start=Serial.Read,
    concurrently=[Serial.IoCancelIrp],
    processors=[1, 2],
    expect={1: Holds(states=58), 2: Holds(states=167)},
)
