"""pcidrv, WDM (P1): a DPC synchronises with an interrupt object that power-down has disconnected.

pcidrv is Microsoft's sample driver for the Intel E100 network card. Its service routine masks the
card and queues NICDpcForIsr, whose last act is to unmask the card under the interrupt lock, through
the pointer in the device extension. Power-down masks the card under the same lock, disconnects
and sets the pointer to NULL. Nobody waits for a DPC that is already queued or running.

Source: WinDDK 7600 general/pcidrv/wdm, hw/isrdpc.c and hw/nic_pm.c (KunYi/WDK7.1-Samples has a
copy).

In the trace, the service routine runs on one processor while power-down begins on the other. The
DPC that it queues is started after the disconnect and calls KeSynchronizeExecution on an object
that is gone; one step later in the thread the pointer would be NULL. One processor is safe: there
the DPC ends before the thread runs again.
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
        IoDisconnectInterrupt(self.Interrupt)
        self.Interrupt = NULL


scenario = Scenario(
    start=Pcidrv.NICAllocateDeviceResources,
    concurrently=[Pcidrv.MPSetPowerLow],
    processors=[1, 2],
    expect={
        1: Holds(states=208),
        2: Violated("synchronize-on-dead-interrupt", steps=27, states=1417),
    },
)
