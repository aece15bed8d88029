"""A recorder: the memory of a session is freed while the DPC inside it is queued.

Each open handle has a structure from pool with all that belongs to it, the DPC object included.
Close silences the device, disconnects the interrupt and frees the structure.

Bug: disconnecting waits for service routines, not for what they have queued. The processor's queue
still leads through the freed memory. With one processor the DPC has run before the closing thread
goes on.

Source: IoDisconnectInterrupt; KeInitializeDpc, remarks on the storage of the DPC object; Windows
stops with 0xC7, TIMER_OR_DPC_INVALID, if it notices.

In the trace the service routine queues the DPC on one processor while Close runs on the other.
"""

from dirql.model.wdk import *


class Recorder(Device):
    """Records one block after another; reading the status acknowledges."""

    enabled = Bit(0)
    recorded = Bit(0)

    def line(self):
        return self.recorded and self.enabled

    @hardware
    def block_recorded(self):
        self.recorded = 1

    def acknowledge(self):
        was_recorded = self.recorded
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
        KeInsertQueueDpc(self.session.BlockDpc)
        return TRUE

    def BlockDone(self, Dpc, DeferredContext):
        self.session.Blocks += 1

    def Close(self):
        self.recorder.enabled = 0
        IoDisconnectInterrupt(self.Interrupt)
        self.Interrupt = NULL
        ExFreePoolWithTag(self.session)


scenario = Scenario(
    start=RecorderDriver.Open,
    concurrently=[RecorderDriver.Close],
    processors=[1, 2],
    expect={1: Holds(states=964), 2: Violated("free-while-queued", steps=17, states=342)},
)
