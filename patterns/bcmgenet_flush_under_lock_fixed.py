"""bcmgenet, repaired: a queue is stopped at PASSIVE_LEVEL, without the adapter's lock.

NetAdapterCx calls GenetRxQueueStop at PASSIVE_LEVEL, and the lock was all that raised it. It
guarded nothing that needs it: the flag is interlocked, and the mask is computed under the interrupt
lock, which GenetInterruptSetCommon takes itself and gives back before it waits. So the lock goes,
and the wait is where it may be.

Source of the faulty call: bcmgenet, the Windows driver for the BCM2711's Ethernet controller.
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
        self.GenetInterruptSetCommon(FALSE)

    def ReceiveThread(self):
        self.GenetInterruptSetCommon(TRUE)
        self.GenetRxQueueStop()


scenario = Scenario(
    start=Bcmgenet.GenetPrepareHardware,
    concurrently=[Bcmgenet.ReceiveThread],
    processors=[1, 2],
    expect={1: Holds(states=424), 2: Holds(states=1988)},
)
