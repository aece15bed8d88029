"""A network card, fixed: what a DPC touches is guarded by a spin lock.

The twin of try_mutex_in_dpc.py. The DPC takes the lock at DISPATCH_LEVEL, where it runs anyway; the
thread is raised there by taking it. No frame is counted late.

Source: KeAcquireSpinLockAtDpcLevel; "Introduction to Spin Locks".
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
    StatisticsLock = KSPIN_LOCK()
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
        KeAcquireSpinLockAtDpcLevel(self.StatisticsLock)
        self.Frames += 1
        KeReleaseSpinLockFromDpcLevel(self.StatisticsLock)

    def ReadAndClear(self):
        KeAcquireSpinLock(self.StatisticsLock, OldIrql)
        frames = self.Frames
        self.Frames = 0
        KeReleaseSpinLock(self.StatisticsLock, OldIrql)
        return frames


scenario = Scenario(
    start=NicDriver.Start,
    concurrently=[NicDriver.ReadAndClear],
    processors=[1, 2],
    expect={1: Holds(states=1658), 2: Holds(states=2582)},
)
