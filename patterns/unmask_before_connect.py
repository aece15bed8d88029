"""An SD host controller: interrupts are enabled before anybody listens.

The miniport's slot initialisation turns the interrupt signals on. Only afterwards does the port
driver connect the service routine. A card event in between raises a level line that nobody
claims: with neighbours on the line it fires without end, as here; alone it waits for the connect at
best.
Initialising a device and letting it interrupt are two things; the second comes last.

Source: raspberrypi/windows-drivers commit 31c2c74, drivers/sd/bcm2836/bcm2836sdhc (signals were
enabled in SdhcSlotInitialize; hangs and crashes were seen where the line is shared). The remarks
on IoDisconnectInterrupt state the rule for both ends of a connection.

In the trace: enabling and the card's event are enough; the connect call never starts. The driver of
the neighbour on the line is asked, declines, and the line fires again.
"""

from dirql.model.wdk import *


class SdHost(Device):
    """The controller: one status bit and its signal enable."""

    status = Bit(0)
    signal_enable = Bit(0)

    def line(self):
        return self.status and self.signal_enable

    def waiting(self):
        return self.status and self.signal_enable

    @hardware
    def card_inserted(self):
        self.status = 1


class Sdhc(Driver):
    host = SdHost(Line(irql=6, mode=LevelSensitive, shared=True))
    PhysicalDevice = DEVICE_OBJECT()
    Interrupt = PKINTERRUPT()
    dpc = KDPC()

    def StartDevice(self):
        KeInitializeDpc(self.dpc, self.SdhcRequestDpc)
        self.SdhcSlotInitialize()
        parameters = IO_CONNECT_INTERRUPT_PARAMETERS()
        parameters.Version = CONNECT_LINE_BASED
        parameters.LineBased.PhysicalDeviceObject = self.PhysicalDevice
        parameters.LineBased.InterruptObject = self.Interrupt
        parameters.LineBased.ServiceRoutine = self.SdhcSlotInterrupt
        return IoConnectInterruptEx(parameters)

    def SdhcSlotInitialize(self):
        self.host.signal_enable = 1

    def SdhcSlotInterrupt(self, Interrupt, ServiceContext):
        if not self.host.status:
            return FALSE
        self.host.status = 0
        KeInsertQueueDpc(self.dpc)
        return TRUE

    def SdhcRequestDpc(self, Dpc, DeferredContext):
        pass


scenario = Scenario(
    start=Sdhc.StartDevice,
    processors=[1, 2],
    expect={
        1: Violated("unclaimed-level-interrupt", steps=6, states=79),
        2: Violated("unclaimed-level-interrupt", steps=6, states=142),
    },
)
