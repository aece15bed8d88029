"""A bus controller: the service routine wakes the waiting thread itself.

A transfer thread starts a transfer and waits for an event. The service routine acknowledges the
controller and calls KeSetEvent.

Bug: KeSetEvent readies a thread, for which it takes the dispatcher's lock; it must not be called
above DISPATCH_LEVEL. At DIRQL it can interrupt a holder of that lock on the same processor, which
ends in a hang that the watchdog reports, or corrupt what the lock protects.

Source: KeSetEvent, requirements, IRQL: at or below DISPATCH_LEVEL. Drivers ported from systems on
which interrupt handlers may wake threads get this wrong; Rockchip's Windows drivers did.

In the trace look at the IRQL of the call.
"""

from dirql.model.wdk import *


class Bus(Device):
    """Finishes one transfer after another; reading the status acknowledges."""

    enabled = Bit(0)
    busy = Bit(0)
    done = Bit(0)

    def line(self):
        return self.done and self.enabled

    @hardware
    def transfer_ends(self):
        if self.busy:
            self.busy = 0
            self.done = 1

    def acknowledge(self):
        was_done = self.done
        self.done = 0
        return was_done


class BusDriver(Driver):
    bus = Bus(Line(irql=8, mode=LevelSensitive))
    PhysicalDevice = DEVICE_OBJECT()
    Interrupt = PKINTERRUPT()
    TransferDone = KEVENT(SynchronizationEvent, FALSE)

    def Start(self):
        parameters = IO_CONNECT_INTERRUPT_PARAMETERS()
        parameters.Version = CONNECT_LINE_BASED
        parameters.LineBased.PhysicalDeviceObject = self.PhysicalDevice
        parameters.LineBased.InterruptObject = self.Interrupt
        parameters.LineBased.ServiceRoutine = self.Isr
        status = IoConnectInterruptEx(parameters)
        if not NT_SUCCESS(status):
            return status
        self.bus.enabled = 1
        return STATUS_SUCCESS

    def Isr(self, Interrupt, ServiceContext):
        if not self.bus.acknowledge():
            return FALSE
        KeSetEvent(self.TransferDone)
        return TRUE

    def Transfer(self):
        self.bus.busy = 1
        KeWaitForSingleObject(self.TransferDone)
        return STATUS_SUCCESS


scenario = Scenario(
    start=BusDriver.Start,
    concurrently=[BusDriver.Transfer],
    processors=[1, 2],
    expect={
        1: Violated("irql-too-high", steps=9, states=44),
        2: Violated("irql-too-high", steps=9, states=77),
    },
)
