"""SkeletonI2C, repaired: the DPC reads and clears the interrupt status under the interrupt lock.

This restores what the template has as comments. WdfInterruptAcquireLock, here
KeAcquireInterruptSpinLock, keeps the service routine out between the read and the clear, on every
processor. What it records comes either before, and the DPC acts on it, or after, and the DPC that
it queues does.

It is enough because now every access to InterruptStatus is made with that lock held: the service
routine owns it anyway. The device lock would not do, for no service routine takes it.

Source of the faulty DPC: Windows-driver-samples spb/SkeletonI2C, device.cpp.
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
            InterruptIrql = KeAcquireInterruptSpinLock(self.InterruptObject)
            stat = self.InterruptStatus
            self.InterruptStatus = 0
            KeReleaseInterruptSpinLock(self.InterruptObject, InterruptIrql)
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
    expect={1: Holds(states=608), 2: Holds(states=5371)},
)
