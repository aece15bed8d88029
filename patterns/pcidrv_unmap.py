"""pcidrv, WDM (P5): the remove path unmaps the registers under a queued DPC.

On removal pcidrv masks and resets the card, disconnects the interrupt and unmaps the registers.
Disconnecting keeps the service routine from being called again, but does nothing about a DPC that
it has queued. The driver flushes no DPCs anywhere, so NICDpcForIsr can start after the unmap and
restart the receive unit through an address that is no longer valid, at DISPATCH_LEVEL.

Source: WinDDK 7600 general/pcidrv/wdm, hw/nic_init.c (NICUnmapHWResources) and hw/isrdpc.c.

The real DPC ends by unmasking the card under the interrupt lock, which fails in its own ways
(`pcidrv_stop.py`, `pcidrv_late_unmask.py`). Here that part is left out, and with it the mask that
the service routine sets for it. In the trace, the DPC is queued on one processor while removal
runs to its end on the other. On one processor the DPC ends before removal goes on.
"""

from dirql.model.wdk import *


class E100(Device):
    """The card: a level line, one cause bit, one mask bit, a receive unit that can be started."""

    cause = Bit(0)
    masked = Bit(1)
    receiving = Bit(0)

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
        MmMapIoSpace(self.nic)
        IoInitializeDpcRequest(self.Self, self.NICDpcForIsr)
        status = IoConnectInterrupt(self.Interrupt, self.NICInterruptHandler)
        if not NT_SUCCESS(status):
            return status
        self.nic.masked = 0
        return STATUS_SUCCESS

    def NICInterruptHandler(self, Interrupt, ServiceContext):
        if self.nic.masked or not self.nic.cause:
            return FALSE
        self.nic.cause = 0
        IoRequestDpc(self.Self)
        return TRUE

    def NICDpcForIsr(self, Dpc, DeviceObject, Irp, Context):
        self.nic.receiving = 1

    def NICShutdown(self):
        self.nic.masked = 1

    def NICUnmapHWResources(self):
        IoDisconnectInterrupt(self.Interrupt)
        self.Interrupt = NULL
        MmUnmapIoSpace(self.nic)

    def RemoveDevice(self):
        self.NICShutdown()
        self.NICUnmapHWResources()


scenario = Scenario(
    start=Pcidrv.NICAllocateDeviceResources,
    concurrently=[Pcidrv.RemoveDevice],
    processors=[1, 2],
    expect={1: Holds(states=328), 2: Violated("use-after-unmap", steps=22, states=843)},
)
