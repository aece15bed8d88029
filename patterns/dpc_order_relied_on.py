"""A data acquisition board: the DPC that completes a request counts on the one that filled it.

The service routine queues two DPCs, one after the other: the first copies the samples out of the
board, the second completes the read that waits for them. Both are of medium importance, and both
are queued on the processor that was interrupted. Its queue is kept in order: the samples have been
copied when the read completes.

Bug: nothing but the order of the queue says so. Where it need not hold, in the scenario "any
order" (knob dpc_order), the read can complete with a buffer that nobody has filled. The same
happens to the driver that gives one of the two another importance or another processor one day.

Source: "Organization of DPC queues", KeSetImportanceDpc.

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


scenarios = [
    Scenario(
        name="in order",
        start=BoardDriver.Start,
        processors=[1, 2],
        expect={1: Holds(states=86), 2: Holds(states=208)},
    ),
    Scenario(
        name="any order",
        start=BoardDriver.Start,
        processors=[1, 2],
        knobs={"dpc_order": "unordered"},
        expect={
            1: Violated("assertion-failed", steps=17, states=70),
            2: Violated("assertion-failed", steps=17, states=156),
        },
    ),
]
