"""bcmgenet, mutated: a queue's notification is turned off without waiting for its DPC.

bcmgenet is the NetAdapterCx driver for the Ethernet controller of the Raspberry Pi 4. It has no bug
in this place; this file is the driver without the last step of turning a notification off, to show
what that step is for. When NetAdapterCx no longer wants to be notified, GenetInterruptSetCommon
clears the queue's flag, masks its interrupt under the interrupt lock, and waits for DPCs that are
queued or running. Only then may NetAdapterCx take the queue away. Here it does not wait.

Source: bcmgenet, the Windows driver for the BCM2711's Ethernet controller (GenetInterruptSetCommon,
GenetInterruptIsr, GenetInterruptDpc). The driver as it is: `bcmgenet_no_flush_fixed.py`.
Transmission is left out.

In the trace, the DPC takes the flag from 1 to 0 and is about to notify the queue. On the other
processor the notification is turned off and the queue is freed before it does. Clearing the flag
was too late, and masking too. On one processor the DPC cannot be overtaken.
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

    def ReceiveThread(self):
        self.GenetInterruptSetCommon(TRUE)
        self.GenetInterruptSetCommon(FALSE)
        ExFreePool(self.rxQueue)


scenario = Scenario(
    start=Bcmgenet.GenetPrepareHardware,
    concurrently=[Bcmgenet.ReceiveThread],
    processors=[1, 2, 3],
    expect={
        1: Holds(states=494),
        2: Violated("use-after-free", steps=37, states=2323),
        3: Violated("use-after-free", steps=37, states=6272),
    },
)
