"""A network card: the DPC tries to take a fast mutex, because trying does not wait.

The statistics are guarded by a fast mutex, as all who read them are threads. The DPC counts frames
as well. It must not wait, so it only tries; a frame counted late is no harm.

Bug: owning a fast mutex means running at APC_LEVEL, and to be put there one has to come from below.
At DISPATCH_LEVEL the call is an error whether the mutex is free or not.

Source: ExTryToAcquireFastMutex, requirements, IRQL: at or below APC_LEVEL; bug check 0xC4 (0x33).

In the trace look at the IRQL of the call: nobody holds the mutex.
"""

from dirql.model.wdk import *


class Nic(Device):
    """Receives frames; reading the status acknowledges."""

    enabled = Bit(0)
    received = Bit(0)

    def line(self):
        return self.received and self.enabled

    @hardware
    def frame_arrives(self):
        self.received = 1

    def acknowledge(self):
        was_received = self.received
        self.received = 0
        return was_received


class NicDriver(Driver):
    nic = Nic(Line(irql=7, mode=LevelSensitive))
    Interrupt = PKINTERRUPT()
    Dpc = KDPC()
    StatisticsMutex = FAST_MUTEX()
    Frames = Int(0, 1, saturating=True)

    def Start(self):
        KeInitializeDpc(self.Dpc, self.CountFrame)
        # Only the first processor is interrupted, as a legacy controller routes its lines.
        status = IoConnectInterrupt(self.Interrupt, self.Isr, ProcessorEnableMask=1)
        if not NT_SUCCESS(status):
            return status
        self.nic.enabled = 1
        return STATUS_SUCCESS

    def Isr(self, Interrupt, ServiceContext):
        if not self.nic.acknowledge():
            return FALSE
        KeInsertQueueDpc(self.Dpc)
        return TRUE

    def CountFrame(self, Dpc, DeferredContext):
        if ExTryToAcquireFastMutex(self.StatisticsMutex):
            self.Frames += 1
            ExReleaseFastMutex(self.StatisticsMutex)

    def ReadAndClear(self):
        ExAcquireFastMutex(self.StatisticsMutex)
        frames = self.Frames
        self.Frames = 0
        ExReleaseFastMutex(self.StatisticsMutex)
        return frames


scenario = Scenario(
    start=NicDriver.Start,
    concurrently=[NicDriver.ReadAndClear],
    processors=[1, 2],
    expect={
        1: Violated("irql-too-high", steps=11, states=129),
        2: Violated("irql-too-high", steps=11, states=129),
    },
)
