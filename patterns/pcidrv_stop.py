"""pcidrv, WDM: the DPC synchronises with an interrupt object that power-down has disconnected.

The service routine masks the chip and queues the DPC; the DPC's last act is to unmask it under the
interrupt lock. Power-down disconnects and sets the pointer to NULL while the DPC is on its way.
"""

from dirql.model.wdk import *


class E100(Device):
    """The NIC: a level line, one cause bit, one mask bit."""

    cause = Bit(0)
    masked = Bit(1)

    def line(self):
        return self.cause and not self.masked

    @hardware
    def packet_arrives(self):
        self.cause = 1


class Pcidrv(Driver):
    nic = E100(Line(irql=7, mode=LevelSensitive, shared=True))
    Interrupt = PKINTERRUPT()
    dpc = KDPC()

    def StartDevice(self):
        KeInitializeDpc(self.dpc, self.NICDpc)
        status = IoConnectInterrupt(self.Interrupt, self.NICIsr)
        if not NT_SUCCESS(status):
            return status
        self.nic.masked = 0
        return STATUS_SUCCESS

    def NICIsr(self, Interrupt, ServiceContext):
        if self.nic.masked or not self.nic.cause:
            return FALSE
        self.nic.masked = 1
        self.nic.cause = 0
        KeInsertQueueDpc(self.dpc)
        return TRUE

    def NICDpc(self, Dpc, Context):
        KeSynchronizeExecution(self.Interrupt, self.Unmask)

    def Unmask(self, Context):
        self.nic.masked = 0
        return TRUE

    def Mask(self, Context):
        self.nic.masked = 1
        return TRUE

    def PowerDown(self):
        KeSynchronizeExecution(self.Interrupt, self.Mask)
        IoDisconnectInterrupt(self.Interrupt)
        self.Interrupt = NULL


scenario = Scenario(start=Pcidrv.StartDevice, concurrently=[Pcidrv.PowerDown], processors=[1, 2])
