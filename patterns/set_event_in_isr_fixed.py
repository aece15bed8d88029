"""A bus controller, fixed: the service routine queues a DPC, and the DPC wakes the thread.

The twin of set_event_in_isr.py. KeInsertQueueDpc may be called at any IRQL; the DPC runs at
DISPATCH_LEVEL, where KeSetEvent is allowed. That is enough, and no wake-up is lost: each
acknowledged transfer is followed by a run of the DPC, and only one transfer is under way.

Source: KeSetEvent, requirements, IRQL: at or below DISPATCH_LEVEL.
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
    DoneDpc = KDPC()
    TransferDone = KEVENT(SynchronizationEvent, FALSE)

    def Start(self):
        KeInitializeDpc(self.DoneDpc, self.WakeTransfer)
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
        KeInsertQueueDpc(self.DoneDpc)
        return TRUE

    def WakeTransfer(self, Dpc, DeferredContext):
        KeSetEvent(self.TransferDone)

    def Transfer(self):
        self.bus.busy = 1
        KeWaitForSingleObject(self.TransferDone)
        return STATUS_SUCCESS


scenario = Scenario(
    start=BusDriver.Start,
    concurrently=[BusDriver.Transfer],
    processors=[1, 2],
    expect={1: Holds(states=91), 2: Holds(states=199)},
)
