"""A data acquisition board: the DPC that completes a request overtakes the one that fills it.

The service routine queues two DPCs, one after the other: the first copies the samples out of the
board, the second completes the read that waits for them. As a queue is kept in order, the samples
were always copied first.

Bug: somebody found reads too slow and made the completing DPC one of high importance. Such a DPC
goes to the head of the queue, before the one that was queued first: the read completes with a
buffer that nobody has filled, every time.

Source: KeSetImportanceDpc, "Organization of DPC queues".

In the trace look at which of the two DPCs starts first.
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
        KeInsertQueueDpc(self.CopyDpc)
        KeInsertQueueDpc(self.CompleteDpc)
        return TRUE

    def CopySamples(self, Dpc, DeferredContext):
        self.Filled = 1

    def CompleteRead(self, Dpc, DeferredContext):
        assert self.Filled


scenario = Scenario(
    start=BoardDriver.Start,
    processors=[1, 2],
    expect={
        1: Violated("assertion-failed", steps=18, states=62),
        2: Violated("assertion-failed", steps=18, states=131),
    },
)
