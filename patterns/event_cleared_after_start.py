"""A bus controller: the event of a transfer is cleared after the transfer was started.

The DPC sets a notification event when a transfer has ended; the transfer thread clears it, starts
the transfer and waits. In the version here the two first lines changed places.

Bug: the transfer can end before the thread goes on. Then the thread clears the event that the DPC
has just set, and waits for a transfer that ended long ago.

Source: "Introduction to Event Objects"; KeClearEvent.

In the trace look at KeSetEvent before KeClearEvent.
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
        self.bus.busy = 1
        KeClearEvent(self.TransferDone)
        KeWaitForSingleObject(self.TransferDone)
        return STATUS_SUCCESS

    def QueryBusy(self):
        return 1 - KeReadStateEvent(self.TransferDone)


scenario = Scenario(
    start=BusDriver.Start,
    concurrently=[BusDriver.Transfer, BusDriver.QueryBusy],
    processors=[1, 2],
    expect={
        1: Violated("stuck-context", steps=7, states=253),
        2: Violated("stuck-context", steps=14, states=569),
    },
)
