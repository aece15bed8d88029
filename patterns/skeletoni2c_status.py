"""SkeletonI2C: the saved interrupt status is read and cleared without the interrupt lock.

SkeletonI2C is Microsoft's template for an I2C controller driver. OnInterruptIsr adds the causes it
found to InterruptStatus, switches the controller's interrupts off and queues a DPC. OnInterruptDpc
takes the saved status, clears it, and switches the interrupts on again if the transfer goes on.
The acquire and release of the interrupt lock around these accesses are there, but commented out
with a note to put them back when interrupts are used.

Bug: causes that the service routine adds between the DPC's read and its clear are lost, and the
interrupts stay off, because the DPC that would switch them on finds a status of 0. As long as the
DPC runs the controller is switched off, so this needs a DPC that comes late: its transfer has been
cancelled, and the next transfer has switched the interrupts on.
Source: microsoft/Windows-driver-samples: spb/SkeletonI2C/device.cpp (OnInterruptIsr,
OnInterruptDpc, OnCancel).

In the trace look at the two steps of the late DPC, read and clear, and at the service routine of
the second transfer between them, on the other processor. The driver is a KMDF driver; its locks
appear as the kernel routines behind them. In the sample the lock in OnCancel is commented out as
well; here OnCancel has it, to keep to one bug.
"""

from dirql.model.wdk import *


class I2cController(Device):
    """One cause, the end of a transfer; interrupts that can be switched off."""

    enabled = Bit(0)
    busy = Bit(0)
    transfer_done = Bit(0)

    def line(self):
        return self.transfer_done and self.enabled

    def waiting(self):
        return self.transfer_done

    @hardware
    def transfer_ends(self):
        if self.busy:
            self.busy = 0
            self.transfer_done = 1

    def start_transfer(self):
        self.transfer_done = 0
        self.busy = 1

    def abort_transfer(self):
        self.transfer_done = 0
        self.busy = 0


class SkeletonI2C(Driver):
    controller = I2cController(Line(irql=5, mode=LevelSensitive))
    InterruptObject = PKINTERRUPT()
    Dpc = KDPC()
    Lock = KSPIN_LOCK()
    InterruptStatus = Bit(0)
    CurrentRequest = Bit(0)

    def OnPrepareHardware(self):
        KeInitializeDpc(self.Dpc, self.OnInterruptDpc)
        status = IoConnectInterrupt(self.InterruptObject, self.OnInterruptIsr)
        if not NT_SUCCESS(status):
            return status
        self.OnRead()
        return STATUS_SUCCESS

    def OnRead(self):
        KeAcquireSpinLock(self.Lock, OldIrql)
        self.CurrentRequest = TRUE
        self.controller.start_transfer()
        self.controller.enabled = 1
        KeReleaseSpinLock(self.Lock, OldIrql)

    def OnCancel(self):
        KeAcquireSpinLock(self.Lock, OldIrql)
        if self.CurrentRequest:
            KeSynchronizeExecution(self.InterruptObject, self.StopTransfer)
            self.CurrentRequest = FALSE
        KeReleaseSpinLock(self.Lock, OldIrql)

    def StopTransfer(self, SynchronizeContext):
        self.controller.enabled = 0
        self.InterruptStatus = 0
        self.controller.abort_transfer()
        return TRUE

    def OnInterruptIsr(self, Interrupt, MessageID):
        if not (self.controller.enabled and self.controller.transfer_done):
            return FALSE
        self.InterruptStatus = 1
        self.controller.enabled = 0
        KeInsertQueueDpc(self.Dpc)
        return TRUE

    def OnInterruptDpc(self, Dpc, DeferredContext):
        KeAcquireSpinLockAtDpcLevel(self.Lock)
        if self.CurrentRequest:
            stat = self.InterruptStatus
            self.InterruptStatus = 0
            if stat:
                self.controller.transfer_done = 0
                self.CurrentRequest = FALSE
        KeReleaseSpinLockFromDpcLevel(self.Lock)

    def CancelThenRead(self):
        """The client gives up its first transfer and starts another."""
        self.OnCancel()
        self.OnRead()


scenario = Scenario(
    start=SkeletonI2C.OnPrepareHardware,
    concurrently=[SkeletonI2C.CancelThenRead],
    processors=[1, 2],
    expect={1: Holds(), 2: Violated("unserviced-cause")},
)
