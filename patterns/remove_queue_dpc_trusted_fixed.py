"""A recorder, fixed: Close waits for the DPC whatever KeRemoveQueueDpc said.

The twin of remove_queue_dpc_trusted.py. The removal only saves a run that nobody wants any more;
what makes the memory safe to free is KeFlushQueuedDpcs.

Source: KeRemoveQueueDpc, remarks; KeFlushQueuedDpcs.
"""

from dirql.model.wdk import *


class Recorder(Device):
    """Records one block after another; reading the status acknowledges.

    A spurious call while it is disabled finds nothing.
    """

    enabled = Bit(0)
    recorded = Bit(0)

    def line(self):
        return self.recorded and self.enabled

    @hardware
    def block_recorded(self):
        if self.enabled:
            self.recorded = 1

    def acknowledge(self):
        was_recorded = self.recorded and self.enabled
        self.recorded = 0
        return was_recorded


class Session(Structure):
    BlockDpc = KDPC()
    Blocks = Int(0, 1, saturating=True)


class RecorderDriver(Driver):
    recorder = Recorder(Line(irql=5, mode=LevelSensitive))
    Interrupt = PKINTERRUPT()
    session = Session()

    def Open(self):
        ExAllocatePool2(self.session)
        KeInitializeDpc(self.session.BlockDpc, self.BlockDone)
        # Only the first processor is interrupted, as a legacy controller routes its lines.
        status = IoConnectInterrupt(self.Interrupt, self.Isr, ProcessorEnableMask=1)
        if not NT_SUCCESS(status):
            return status
        self.recorder.enabled = 1
        return STATUS_SUCCESS

    def Isr(self, Interrupt, ServiceContext):
        if not self.recorder.acknowledge():
            return FALSE
        self.recorder.enabled = 0
        KeInsertQueueDpc(self.session.BlockDpc)
        return TRUE

    def BlockDone(self, Dpc, DeferredContext):
        self.session.Blocks += 1

    def Close(self):
        self.recorder.enabled = 0
        IoDisconnectInterrupt(self.Interrupt)
        self.Interrupt = NULL
        KeRemoveQueueDpc(self.session.BlockDpc)
        KeFlushQueuedDpcs()
        ExFreePoolWithTag(self.session)


scenarios = [
    Scenario(
        name="new",
        start=RecorderDriver.Open,
        concurrently=[RecorderDriver.Close],
        processors=[1, 2],
        expect={1: Holds(states=134), 2: Holds(states=326)},
    ),
    Scenario(
        name="old",
        start=RecorderDriver.Open,
        concurrently=[RecorderDriver.Close],
        processors=[1, 2],
        knobs={"weak_remove_queue_dpc": "yes"},
        expect={1: Holds(states=134), 2: Holds(states=336)},
    ),
]
