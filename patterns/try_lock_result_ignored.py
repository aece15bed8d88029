"""A network card: the DPC looks whether a lock is free and then only tries to take it.

To keep DPCs short, the DPC does not spin: if the statistics are locked it leaves, and the next
interrupt brings it back. KeTestSpinLock tells it, and KeTryToAcquireSpinLockAtDpcLevel takes the
lock "which is free".

Bug: what KeTestSpinLock said may be over when it returns. When a thread on another processor was
faster, the try fails, the DPC goes on without the lock, and its release takes the lock away from
the thread that owns it. On one processor the DPC never meets an owner that can move.

Source: KeTryToAcquireSpinLockAtDpcLevel, return value; KeTestSpinLock, remarks: the answer may be
old.

In the trace the thread takes the lock between the two calls of the DPC.
"""

from dirql.model.wdk import *


class Nic(Device):
    """Receives frames; reading the status register acknowledges."""

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
    FrameDpc = KDPC()
    StatisticsLock = KSPIN_LOCK()
    Frames = Int(0, 1, saturating=True)

    def Start(self):
        KeInitializeDpc(self.FrameDpc, self.CountFrame)
        # Only the first processor is interrupted, as a legacy controller routes its lines.
        status = IoConnectInterrupt(self.Interrupt, self.Isr, ProcessorEnableMask=1)
        if not NT_SUCCESS(status):
            return status
        self.nic.enabled = 1
        return STATUS_SUCCESS

    def Isr(self, Interrupt, ServiceContext):
        if not self.nic.acknowledge():
            return FALSE
        KeInsertQueueDpc(self.FrameDpc)
        return TRUE

    def CountFrame(self, Dpc, DeferredContext):
        if not KeTestSpinLock(self.StatisticsLock):
            return
        KeTryToAcquireSpinLockAtDpcLevel(self.StatisticsLock)
        self.Frames += 1
        KeReleaseSpinLockFromDpcLevel(self.StatisticsLock)

    def ResetStatistics(self):
        KeAcquireSpinLock(self.StatisticsLock, OldIrql)
        self.Frames = 0
        KeReleaseSpinLock(self.StatisticsLock, OldIrql)
        return STATUS_SUCCESS


scenario = Scenario(
    start=NicDriver.Start,
    concurrently=[NicDriver.ResetStatistics],
    processors=[1, 2],
    expect={1: Holds(states=1814), 2: Violated("release-of-unowned-lock", steps=19, states=818)},
)
