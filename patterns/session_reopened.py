"""A recorder: a session that is opened again is not prepared again.

Each open handle has a structure from pool, with its DPC and the lock that guards its counters.
Preparing them was moved to where the device is added, because it needs doing only once.

Bug: the structure is freed by Close, and the next Open allocates another one. It may well be the
same memory, but ExAllocatePool2 has zeroed it: there is no initialised DPC in it. It works as
long as the device is opened once.

Source: ExAllocatePool2 (zeroed unless asked otherwise); KeInitializeDpc, KeInitializeSpinLock: the
object is initialised before its first use.

In the trace look at the second Open.
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
    Prepared = Bit(0)
    session = Session()

    def Open(self):
        ExAllocatePool2(self.session)
        if not self.Prepared:
            self.Prepare()
            self.Prepared = 1
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
    expect={
        1: Violated("uninitialized-object", steps=24, states=677),
        2: Violated("uninitialized-object", steps=24, states=845),
    },
)
