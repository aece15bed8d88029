"""A serial driver: the cancel routine goes back to PASSIVE_LEVEL, whoever cancelled.

A read that waits too long is cancelled by the DPC of its timer; the application can cancel it as
well. The canceller takes the cancel spin lock and calls the cancel routine, which gives the lock
back before it completes the request.

Bug: the cancel routine gives it back with PASSIVE_LEVEL. That is right when a thread cancels, which
is all that was ever tried. Called by the DPC it lowers the IRQL below DISPATCH_LEVEL in the middle
of a DPC: threads are switched on a processor whose DPC has not ended.

Source: DRIVER_CANCEL, remarks: the routine calls IoReleaseCancelSpinLock with Irp->CancelIrql.

In the trace the timer expires before anybody else cancels. The method IoCancelIrp stands for the
I/O manager.
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
        IoReleaseCancelSpinLock(PASSIVE_LEVEL)
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
    expect={
        1: Violated("irql-lowered-wrongly", steps=15, states=23),
        2: Violated("irql-lowered-wrongly", steps=15, states=70),
    },
)
