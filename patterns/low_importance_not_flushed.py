"""An embedded board: the stop path counts on the one processor, and the DPC is of low importance.

The board has one processor, where a DPC runs before any thread goes on: what the service routine
queued has run when the stopping thread is back, so the thread may unmap the registers without
waiting. Then somebody made the DPC less urgent, to favour the audio driver.

Bug: a DPC of low importance may stay in its queue while threads go on. It runs after the registers
are gone. (With two processors the reasoning was wrong from the beginning.)

Source: KeSetImportanceDpc: a DPC of low importance does not have the queue emptied at once.

In the trace the DPC stays queued while Stop runs on the same processor.
"""

from dirql.model.wdk import *


class Board(Device):
    """Delivers samples; reading the status acknowledges."""

    enabled = Bit(0)
    sample = Bit(0)

    def line(self):
        return self.sample and self.enabled

    @hardware
    def sample_taken(self):
        self.sample = 1

    def acknowledge(self):
        had_sample = self.sample
        self.sample = 0
        return had_sample


class BoardDriver(Driver):
    board = Board(Line(irql=5, mode=LevelSensitive))
    Interrupt = PKINTERRUPT()
    SampleDpc = KDPC()

    def Start(self):
        MmMapIoSpace(self.board)
        KeInitializeDpc(self.SampleDpc, self.ReadSample)
        KeSetImportanceDpc(self.SampleDpc, LowImportance)
        # Only the first processor is interrupted, as a legacy controller routes its lines.
        status = IoConnectInterrupt(self.Interrupt, self.Isr, ProcessorEnableMask=1)
        if not NT_SUCCESS(status):
            return status
        self.board.enabled = 1
        return STATUS_SUCCESS

    def Isr(self, Interrupt, ServiceContext):
        if not self.board.acknowledge():
            return FALSE
        KeInsertQueueDpc(self.SampleDpc)
        return TRUE

    def ReadSample(self, Dpc, DeferredContext):
        self.board.acknowledge()

    def Stop(self):
        self.board.enabled = 0
        IoDisconnectInterrupt(self.Interrupt)
        self.Interrupt = NULL
        MmUnmapIoSpace(self.board)


scenario = Scenario(
    start=BoardDriver.Start,
    concurrently=[BoardDriver.Stop],
    processors=[1, 2],
    expect={
        1: Violated("use-after-unmap", steps=21, states=282),
        2: Violated("use-after-unmap", steps=21, states=355),
    },
)
