"""pcidrv, WDM (P2): a late DPC unmasks the card after power-down has masked it.

This is pcidrv with its crash (`pcidrv_stop.py`) repaired in the obvious way: power-down waits for
queued DPCs before it disconnects. It is not enough. The last act of NICDpcForIsr is to unmask the
card, whatever happened since it was queued, so it undoes the mask that power-down has just set. The
flush waits for exactly that DPC, and then the interrupt of an unmasked card is disconnected: the
next packet asserts a line that nobody serves. If it comes a little earlier, while the disconnect is
under way, its service routine still runs and queues the DPC after the flush: the crash is back.

Source: WinDDK 7600 general/pcidrv/wdm, hw/isrdpc.c and hw/nic_pm.c.

In the trace, look at who writes nic.masked: the service routine (1), power-down (1), and then the
DPC (0). The second packet comes between the flush and the end of the disconnect. On one processor a
DPC cannot get between the mask and the flush, because it runs before the thread does.
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
        self.nic.masked = 0
        return TRUE

    def MPSetPowerLowPrivate(self, Context):
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
    processors=[1, 2, 3],
    expect={
        1: Holds(states=228),
        2: Violated("synchronize-on-dead-interrupt", steps=45, states=2504),
        3: Violated("synchronize-on-dead-interrupt", steps=45, states=6319),
    },
)
