"""bcmgenet: stopping a queue waits for DPCs while it holds a spin lock.

To turn a notification off, GenetInterruptSetCommon ends by waiting for queued DPCs: a sound idiom
(`bcmgenet_no_flush_fixed.py`) for a caller at PASSIVE_LEVEL. GenetRxQueueStop calls it with the
adapter's spin lock held, and so at DISPATCH_LEVEL. KeFlushQueuedDpcs must not be called there. A
DPC in the queue of this very processor cannot run before the IRQL falls, and the IRQL does not fall
before the DPC has run. RtEthSample, from which the idiom comes, stops its queues the same way
(EvtRxQueueStop).

Source: bcmgenet, the Windows driver for the BCM2711's Ethernet controller (GenetRxQueueStop,
GenetInterruptSetCommon); NetAdapter-Cx-Driver-Samples RtEthSample, rxqueue.cpp.

What the DPC does for the queue is left out. In the trace, look at the IRQL of the last step. It
takes no interrupt and no second processor: the call is wrong whenever it is made.
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


class Bcmgenet(Driver):
    nic = Genet(Line(irql=7, mode=LevelSensitive))
    PhysicalDevice = DEVICE_OBJECT()
    wdfInterrupt = PKINTERRUPT()
    dpc = KDPC()
    rxNotify = Bit(0, volatile=True)
    savedStatus = Bit(0)
    lock = KSPIN_LOCK()

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
            InterlockedExchange(self.rxNotify, FALSE)

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

    def GenetRxQueueStop(self):
        KeAcquireSpinLock(self.lock, OldIrql)
        self.GenetInterruptSetCommon(FALSE)
        KeReleaseSpinLock(self.lock, OldIrql)

    def ReceiveThread(self):
        self.GenetInterruptSetCommon(TRUE)
        self.GenetRxQueueStop()


scenario = Scenario(
    start=Bcmgenet.GenetPrepareHardware,
    concurrently=[Bcmgenet.ReceiveThread],
    processors=[1, 2],
    expect={
        1: Violated("irql-too-high", steps=23, states=246),
        2: Violated("irql-too-high", steps=23, states=870),
    },
)
