"""An SD host controller, fixed: connect first, enable the signals last.

Slot initialisation switches the signals off, whatever the firmware left behind. They are switched
on after the connect call has succeeded; an event that came in the meantime is still in the status
register, and raises the line at that moment. If the connect call fails they stay off.
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
        status = IoConnectInterruptEx(parameters)
        if not NT_SUCCESS(status):
            return status
        self.SdhcSlotToggleEvents()
        return STATUS_SUCCESS

    def SdhcSlotInitialize(self):
        self.host.signal_enable = 0

    def SdhcSlotToggleEvents(self):
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
    expect={1: Holds(states=268), 2: Holds(states=736)},
)
