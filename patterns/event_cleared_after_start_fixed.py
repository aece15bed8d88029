"""A bus controller, fixed: the event is cleared before the transfer is started.

The twin of event_cleared_after_start.py. An I/O control code that asks whether a transfer has ended
reads the event without waiting.

Source: "Introduction to Event Objects"; KeReadStateEvent; KeResetEvent.
"""

from dirql.model.wdk import *


class Bus(Device):
    """Carries out one transfer after another; reading the status acknowledges."""

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
    Interrupt = PKINTERRUPT()
    DoneDpc = KDPC()
    TransferDone = KEVENT(NotificationEvent, TRUE)

    def Start(self):
        KeInitializeDpc(self.DoneDpc, self.TransferEnded)
        status = IoConnectInterrupt(self.Interrupt, self.Isr)
        if not NT_SUCCESS(status):
            return status
        self.bus.enabled = 1
        return STATUS_SUCCESS

    def Isr(self, Interrupt, ServiceContext):
        if not self.bus.acknowledge():
            return FALSE
        KeInsertQueueDpc(self.DoneDpc)
        return TRUE

    def TransferEnded(self, Dpc, DeferredContext):
        KeSetEvent(self.TransferDone)

    def Transfer(self):
        KeResetEvent(self.TransferDone)
        self.bus.busy = 1
        KeWaitForSingleObject(self.TransferDone)
        return STATUS_SUCCESS

    def QueryBusy(self):
        return 1 - KeReadStateEvent(self.TransferDone)


scenario = Scenario(
    start=BusDriver.Start,
    concurrently=[BusDriver.Transfer, BusDriver.QueryBusy],
    processors=[1, 2],
    expect={1: Holds(states=177), 2: Holds(states=393)},
)
