"""An embedded board, fixed: the stop path waits for the DPC, however urgent it is.

The twin of low_importance_not_flushed.py.

Source: KeSetImportanceDpc; KeFlushQueuedDpcs.
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
        KeFlushQueuedDpcs()
        MmUnmapIoSpace(self.board)


scenario = Scenario(
    start=BoardDriver.Start,
    concurrently=[BoardDriver.Stop],
    processors=[1, 2],
    expect={1: Holds(states=354), 2: Holds(states=522)},
)
