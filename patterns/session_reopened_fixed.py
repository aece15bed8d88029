"""A recorder, fixed: what lies in a session is prepared with each session.

The twin of session_reopened.py. Open prepares the DPC and the lock as soon as it has the memory,
and before it connects the interrupt.

Source: ExAllocatePool2; KeInitializeDpc, KeInitializeSpinLock.
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
    Lock = KSPIN_LOCK()
    Blocks = Int(0, 1, saturating=True)


class RecorderDriver(Driver):
    recorder = Recorder(Line(irql=5, mode=LevelSensitive))
    Interrupt = PKINTERRUPT()
    session = Session()

    def Open(self):
        ExAllocatePool2(self.session)
        self.Prepare()
        # Only the first processor is interrupted, as a legacy controller routes its lines.
        status = IoConnectInterrupt(self.Interrupt, self.Isr, ProcessorEnableMask=1)
        if not NT_SUCCESS(status):
            ExFreePoolWithTag(self.session)
            return status
        self.recorder.enabled = 1
        return STATUS_SUCCESS

    def Prepare(self):
        KeInitializeDpc(self.session.BlockDpc, self.BlockDone)
        KeInitializeSpinLock(self.session.Lock)

    def Isr(self, Interrupt, ServiceContext):
        if not self.recorder.acknowledge():
            return FALSE
        KeInsertQueueDpc(self.session.BlockDpc)
        return TRUE

    def BlockDone(self, Dpc, DeferredContext):
        KeAcquireSpinLockAtDpcLevel(self.session.Lock)
        self.session.Blocks += 1
        KeReleaseSpinLockFromDpcLevel(self.session.Lock)

    def Close(self):
        self.recorder.enabled = 0
        IoDisconnectInterrupt(self.Interrupt)
        self.Interrupt = NULL
        KeFlushQueuedDpcs()
        ExFreePoolWithTag(self.session)

    def OpenAndCloseTwice(self):
        for _ in range(2):
            status = self.Open()
            if not NT_SUCCESS(status):
                return status
            self.Close()
        return STATUS_SUCCESS


scenario = Scenario(
    concurrently=[RecorderDriver.OpenAndCloseTwice],
    processors=[1, 2],
    expect={1: Holds(states=3244), 2: Holds(states=5248)},
)
