"""A data acquisition board: both DPCs of a request are of high importance, queued last first.

The service routine queues two DPCs: one copies the samples out of the board, the other completes
the read that waits for them.

Fixed: both are of high importance. Each goes to the head of the queue, so the completing DPC is
queued first, and the one that copies comes to stand before it.

Source: KeSetImportanceDpc, "Organization of DPC queues".

dpc_of_high_importance_overtakes has the driver that makes only the second one urgent.
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
        KeSetImportanceDpc(self.CopyDpc, HighImportance)
        KeSetImportanceDpc(self.CompleteDpc, HighImportance)
        status = IoConnectInterrupt(self.Interrupt, self.Isr)
        if not NT_SUCCESS(status):
            return status
        self.board.enabled = 1
        return STATUS_SUCCESS

    def Isr(self, Interrupt, ServiceContext):
        if not self.board.acknowledge():
            return FALSE
        self.board.enabled = 0
        KeInsertQueueDpc(self.CompleteDpc)
        KeInsertQueueDpc(self.CopyDpc)
        return TRUE

    def CopySamples(self, Dpc, DeferredContext):
        self.Filled = 1

    def CompleteRead(self, Dpc, DeferredContext):
        assert self.Filled


scenario = Scenario(
    start=BoardDriver.Start,
    processors=[1, 2],
    expect={1: Holds(states=88), 2: Holds(states=210)},
)
