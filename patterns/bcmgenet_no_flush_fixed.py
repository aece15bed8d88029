"""bcmgenet as it is: after a notification is turned off, nobody is notified any more.

Three steps in this order. The queue's flag is cleared by InterlockedExchange, so a DPC that looks
at it from now on does not notify. The interrupt is masked under the interrupt lock, computed from
the flags, so a service routine that is running has finished and none will claim that interrupt
again. KeFlushQueuedDpcs waits for every DPC queued so far, in particular for one that has taken the
flag already and is about to notify.

It is enough because a DPC either took the flag before it was cleared, and then it is waited for, or
finds it cleared. So NetAdapterCx may free the queue as soon as the call returns.

The driver reads the flag plainly, as one aligned LONG; volatile says so here.

Source: bcmgenet, the Windows driver for the BCM2711's Ethernet controller.
"""

from dirql.model.wdk import *


class Genet(Device):
    """The controller: one status bit and its mask."""

    rxdma_done = Bit(0)
    masked = Bit(1)

    def line(self):
        return self.rxdma_done and not self.masked

    @hardware
    def packet_arrives(self):
        self.rxdma_done = 1


class RxQueue(Structure):
    """What NetAdapterCx keeps of a queue."""

    notified = Bit(0)


class Bcmgenet(Driver):
    nic = Genet(Line(irql=7, mode=LevelSensitive))
    PhysicalDevice = DEVICE_OBJECT()
    wdfInterrupt = PKINTERRUPT()
    dpc = KDPC()
    rxNotify = Bit(0, volatile=True)
    savedStatus = Bit(0)
    rxQueue = RxQueue()

    def GenetPrepareHardware(self):
        KeInitializeDpc(self.dpc, self.GenetInterruptDpc)
        parameters = IO_CONNECT_INTERRUPT_PARAMETERS()
        parameters.Version = CONNECT_FULLY_SPECIFIED
        parameters.FullySpecified.PhysicalDeviceObject = self.PhysicalDevice
        parameters.FullySpecified.InterruptObject = self.wdfInterrupt
        parameters.FullySpecified.ServiceRoutine = self.GenetInterruptIsr
        return IoConnectInterruptEx(parameters)

    def GenetInterruptIsr(self, Interrupt, ServiceContext):
        if self.nic.masked or not self.nic.rxdma_done:
            return FALSE
        self.nic.rxdma_done = 0
        self.nic.masked = 1
        InterlockedOr(self.savedStatus, 1)
        KeInsertQueueDpc(self.dpc)
        return TRUE

    def GenetInterruptDpc(self, Dpc, Context):
        if InterlockedExchange(self.savedStatus, 0):
            if InterlockedExchange(self.rxNotify, FALSE):
                self.NetRxQueueNotifyMoreReceivedPacketsAvailable()

    def NetRxQueueNotifyMoreReceivedPacketsAvailable(self):
        self.rxQueue.notified = 1

    def GenetInterruptSetCommon(self, enabled):
        InterlockedExchange(self.rxNotify, enabled)
        OldIrql = KeAcquireInterruptSpinLock(self.wdfInterrupt)
        if self.rxNotify:
            self.nic.masked = 0
        else:
            self.nic.masked = 1
        KeReleaseInterruptSpinLock(self.wdfInterrupt, OldIrql)
        if not enabled:
            KeFlushQueuedDpcs()

    def ReceiveThread(self):
        self.GenetInterruptSetCommon(TRUE)
        self.GenetInterruptSetCommon(FALSE)
        ExFreePool(self.rxQueue)


scenario = Scenario(
    start=Bcmgenet.GenetPrepareHardware,
    concurrently=[Bcmgenet.ReceiveThread],
    processors=[1, 2, 3],
    expect={1: Holds(states=534), 2: Holds(states=2578), 3: Holds(states=6806)},
)
