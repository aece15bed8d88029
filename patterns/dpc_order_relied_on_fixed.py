"""A data acquisition board: the DPC that has filled a request queues the one that completes it.

The service routine queues one DPC, which copies the samples out of the board. When that is done it
queues the second, which completes the read that waits for them.

Fixed: the second DPC cannot start before the first has done its work, whatever the order of the
queue is (knob dpc_order).

Source: "Organization of DPC queues", KeSetImportanceDpc.

dpc_order_relied_on has the driver that queues both in its service routine.
"""

from dirql.model.wdk import *


class Board(Device):
    """Takes samples; reading the status register acknowledges. Disabled, it shows nothing."""

    enabled = Bit(0)
    ready = Bit(0)

    def line(self):
        return self.ready and self.enabled

    @hardware
    def samples_taken(self):
        if self.enabled:
            self.ready = 1

    def acknowledge(self):
        was_ready = self.ready and self.enabled
        self.ready = 0
        return was_ready


class BoardDriver(Driver):
    board = Board(Line(irql=7, mode=LevelSensitive))
    Interrupt = PKINTERRUPT()
    CopyDpc = KDPC()
    CompleteDpc = KDPC()
    Filled = Bit(0)

    def Start(self):
        KeInitializeDpc(self.CopyDpc, self.CopySamples)
        KeInitializeDpc(self.CompleteDpc, self.CompleteRead)
        status = IoConnectInterrupt(self.Interrupt, self.Isr)
        if not NT_SUCCESS(status):
            return status
        self.board.enabled = 1
        return STATUS_SUCCESS

    def Isr(self, Interrupt, ServiceContext):
        if not self.board.acknowledge():
            return FALSE
        self.board.enabled = 0
        KeInsertQueueDpc(self.CopyDpc)
        return TRUE

    def CopySamples(self, Dpc, DeferredContext):
        self.Filled = 1
        KeInsertQueueDpc(self.CompleteDpc)

    def CompleteRead(self, Dpc, DeferredContext):
        assert self.Filled


scenarios = [
    Scenario(
        name="in order",
        start=BoardDriver.Start,
        processors=[1, 2],
        expect={1: Holds(states=90), 2: Holds(states=228)},
    ),
    Scenario(
        name="any order",
        start=BoardDriver.Start,
        processors=[1, 2],
        knobs={"dpc_order": "unordered"},
        expect={1: Holds(states=90), 2: Holds(states=228)},
    ),
]
