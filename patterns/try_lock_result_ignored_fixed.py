"""A network card, fixed: the DPC acts on what the try returned.

The twin of try_lock_result_ignored.py. When the lock is busy the DPC queues itself again instead
of forgetting the frame; the owner is a thread at DISPATCH_LEVEL on another processor, which will be
done soon.

Source: KeTryToAcquireSpinLockAtDpcLevel, return value.
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
        if not KeTryToAcquireSpinLockAtDpcLevel(self.StatisticsLock):
            KeInsertQueueDpc(self.FrameDpc)
            return
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
    expect={1: Holds(states=1526), 2: Holds(states=2362)},
)
