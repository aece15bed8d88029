"""SkeletonI2C: the DPC clears an interrupt status that the service routine has just set.

SkeletonI2C is Microsoft's template of an I2C controller driver. Its service routine adds what the
controller reports to InterruptStatus and disables the controller's interrupts until the DPC has
acted on it. The DPC reads InterruptStatus, then clears it, in two plain steps: the calls that would
take the interrupt lock around them stand there as comments, for the user of the template to
restore.

Usually the disabled interrupts keep the two apart. Not after a cancellation: a DPC of the cancelled
transfer can still be on its way when the next transfer enables interrupts again. It reads 0, the
service routine records the end of the new transfer, the DPC stores 0. Interrupts are disabled,
nobody knows why, and the request never completes.

Source: Windows-driver-samples spb/SkeletonI2C, device.cpp and controller.cpp.

The scenario is a transfer, its cancellation and the next transfer. The template leaves the same
calls out of OnCancel and of the start of a transfer, where they are missed too; here these have
been restored, and only the DPC's are missing. In the trace, look for the DPC's two accesses to
InterruptStatus and what comes in between. On one processor the late DPC ends before the next
transfer begins.
"""

from dirql.model.wdk import *


class Controller(Device):
    """An I2C controller: a transfer under way, its end to be acknowledged, interrupts enabled."""

    transferring = Bit(0)
    status = Bit(0)
    enabled = Bit(0)

    def line(self):
        return self.status and self.enabled

    def waiting(self):
        return self.status

    def begin(self):
        self.transferring = 1

    def abort(self):
        self.transferring = 0
        self.status = 0

    @hardware
    def transfer_ends(self):
        if self.transferring:
            self.transferring = 0
            self.status = 1


class SkeletonI2C(Driver):
    controller = Controller(Line(irql=7, mode=LevelSensitive))
    PhysicalDevice = DEVICE_OBJECT()
    InterruptObject = PKINTERRUPT()
    Dpc = KDPC()
    Lock = KSPIN_LOCK()
    CurrentRequest = Bit(0)
    InterruptStatus = Bit(0)

    def OnPrepareHardware(self):
        KeInitializeDpc(self.Dpc, self.OnInterruptDpc)
        parameters = IO_CONNECT_INTERRUPT_PARAMETERS()
        parameters.Version = CONNECT_FULLY_SPECIFIED
        parameters.FullySpecified.PhysicalDeviceObject = self.PhysicalDevice
        parameters.FullySpecified.InterruptObject = self.InterruptObject
        parameters.FullySpecified.ServiceRoutine = self.OnInterruptIsr
        return IoConnectInterruptEx(parameters)

    def OnRead(self):
        KeAcquireSpinLock(self.Lock, OldIrql)
        self.CurrentRequest = 1
        InterruptIrql = KeAcquireInterruptSpinLock(self.InterruptObject)
        self.InterruptStatus = 0
        self.controller.begin()
        self.controller.enabled = 1
        KeReleaseInterruptSpinLock(self.InterruptObject, InterruptIrql)
        KeReleaseSpinLock(self.Lock, OldIrql)

    def OnCancel(self):
        KeAcquireSpinLock(self.Lock, OldIrql)
        if self.CurrentRequest:
            InterruptIrql = KeAcquireInterruptSpinLock(self.InterruptObject)
            self.controller.enabled = 0
            self.InterruptStatus = 0
            self.controller.abort()
            KeReleaseInterruptSpinLock(self.InterruptObject, InterruptIrql)
            self.CurrentRequest = 0
        KeReleaseSpinLock(self.Lock, OldIrql)

    def OnInterruptIsr(self, Interrupt, ServiceContext):
        if not self.controller.enabled or not self.controller.status:
            return FALSE
        self.InterruptStatus |= 1
        self.controller.enabled = 0
        KeInsertQueueDpc(self.Dpc)
        return TRUE

    def OnInterruptDpc(self, Dpc, Context):
        KeAcquireSpinLockAtDpcLevel(self.Lock)
        if self.CurrentRequest:
            stat = self.InterruptStatus
            self.InterruptStatus = 0
            if stat:
                self.controller.status = 0
                self.CurrentRequest = 0
        KeReleaseSpinLockFromDpcLevel(self.Lock)

    def Client(self):
        self.OnRead()
        self.OnCancel()
        self.OnRead()


scenario = Scenario(
    start=SkeletonI2C.OnPrepareHardware,
    concurrently=[SkeletonI2C.Client],
    processors=[1, 2],
    expect={1: Holds(states=593), 2: Violated("unserviced-cause", steps=76, states=5248)},
)
