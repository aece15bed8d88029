"""pcidrv, WDM (P5), repaired: flush the DPCs between the disconnect and the unmap.

After the disconnect no service routine runs any more, so nobody can queue another DPC.
KeFlushQueuedDpcs then waits for those that were queued before, and for one that is running on
another processor. Only after that are the registers unmapped. The order matters: a flush before
the disconnect would only cover the DPCs queued until then.

It is enough for this DPC, which needs the registers but not the interrupt object. A DPC that also
takes the interrupt lock must be flushed before the disconnect (`pcidrv_stop_fixed.py`).

Source of the faulty order: WinDDK 7600 general/pcidrv/wdm, hw/nic_init.c and hw/isrdpc.c.
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
        KeFlushQueuedDpcs()
        MmUnmapIoSpace(self.nic)

    def RemoveDevice(self):
        self.NICShutdown()
        self.NICUnmapHWResources()


scenario = Scenario(
    start=Pcidrv.NICAllocateDeviceResources,
    concurrently=[Pcidrv.RemoveDevice],
    processors=[1, 2],
    expect={1: Holds(states=336), 2: Holds(states=3472)},
)
