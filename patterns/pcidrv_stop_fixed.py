"""pcidrv, WDM (P1), repaired: power-down lets the last DPC finish before it disconnects.

Two changes, and both are needed. KeFlushQueuedDpcs between the mask and the disconnect lets every
DPC queued so far end while the interrupt object still lives. Alone it would only move the failure:
such a DPC unmasks the card behind the back of power-down, and the next interrupt queues another
DPC (`pcidrv_late_unmask.py`). So power-down also records, under the interrupt lock, that the card
is being stopped, and the DPC, under the same lock, then leaves it masked.

It is enough because after the mask no service routine claims anything, so nobody queues a DPC, and
those queued before are waited for. The flag needs no protection of its own: both who touch it hold
the interrupt lock.

Source of the faulty order: WinDDK 7600 general/pcidrv/wdm, hw/isrdpc.c and hw/nic_pm.c.
"""

from dirql.model.wdk import *


class E100(Device):
    """The card: a level line, one cause bit, one mask bit."""

    cause = Bit(0)
    masked = Bit(1)

    def line(self):
        return self.cause and not self.masked

    @hardware
    def packet_arrives(self):
        self.cause = 1


class Pcidrv(Driver):
    nic = E100(Line(irql=7, mode=LevelSensitive))
    Self = DEVICE_OBJECT()
    Interrupt = PKINTERRUPT()
    Stopping = Bit(0)

    def NICAllocateDeviceResources(self):
        IoInitializeDpcRequest(self.Self, self.NICDpcForIsr)
        status = IoConnectInterrupt(self.Interrupt, self.NICInterruptHandler)
        if not NT_SUCCESS(status):
            return status
        self.nic.masked = 0
        return STATUS_SUCCESS

    def NICInterruptHandler(self, Interrupt, ServiceContext):
        if self.nic.masked or not self.nic.cause:
            return FALSE
        self.nic.masked = 1
        self.nic.cause = 0
        IoRequestDpc(self.Self)
        return TRUE

    def NICDpcForIsr(self, Dpc, DeviceObject, Irp, Context):
        KeSynchronizeExecution(self.Interrupt, self.NICEnableInterrupt)

    def NICEnableInterrupt(self, Context):
        if not self.Stopping:
            self.nic.masked = 0
        return TRUE

    def MPSetPowerLowPrivate(self, Context):
        self.Stopping = 1
        self.nic.masked = 1
        self.nic.cause = 0
        return TRUE

    def MPSetPowerLow(self):
        KeSynchronizeExecution(self.Interrupt, self.MPSetPowerLowPrivate)
        KeFlushQueuedDpcs()
        IoDisconnectInterrupt(self.Interrupt)
        self.Interrupt = NULL


scenario = Scenario(
    start=Pcidrv.NICAllocateDeviceResources,
    concurrently=[Pcidrv.MPSetPowerLow],
    processors=[1, 2],
    expect={1: Holds(states=234), 2: Holds(states=1532)},
)
