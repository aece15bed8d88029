"""A network card: the interrupt lock is given back with PASSIVE_LEVEL, from a DPC as well.

ClearCounter takes the interrupt spin lock, clears what the service routine counts, and gives the
lock back. Threads call it, and they come from PASSIVE_LEVEL.

Bug: the DPC calls it too. It comes from DISPATCH_LEVEL, and is sent to PASSIVE_LEVEL in the middle
of its work: threads are switched on a processor whose DPC has not ended.

Source: KeReleaseInterruptSpinLock, parameter OldIrql: what KeAcquireInterruptSpinLock returned.

In the trace the release of the DPC comes first; whether a thread calls as well does not matter.
"""

from dirql.model.wdk import *


class Nic(Device):
    """Receives frames; reading the status acknowledges.

    Nothing comes before it is enabled: a spurious call meanwhile finds nothing.
    """

    enabled = Bit(0)
    received = Bit(0)

    def line(self):
        return self.received and self.enabled

    @hardware
    def frame_arrives(self):
        if self.enabled:
            self.received = 1

    def acknowledge(self):
        was_received = self.received
        self.received = 0
        return was_received


class NicDriver(Driver):
    nic = Nic(Line(irql=7, mode=LevelSensitive))
    Interrupt = PKINTERRUPT()
    Dpc = KDPC()
    Frames = Int(0, 1, saturating=True)

    def Start(self):
        KeInitializeDpc(self.Dpc, self.HandUp)
        # Only the first processor is interrupted, as a legacy controller routes its lines.
        status = IoConnectInterrupt(self.Interrupt, self.Isr, ProcessorEnableMask=1)
        if not NT_SUCCESS(status):
            return status
        self.nic.enabled = 1
        return STATUS_SUCCESS

    def Isr(self, Interrupt, ServiceContext):
        if not self.nic.acknowledge():
            return FALSE
        self.Frames += 1
        KeInsertQueueDpc(self.Dpc)
        return TRUE

    def HandUp(self, Dpc, DeferredContext):
        self.ClearCounter()

    def ClearCounter(self):
        KeAcquireInterruptSpinLock(self.Interrupt)
        self.Frames = 0
        KeReleaseInterruptSpinLock(self.Interrupt, PASSIVE_LEVEL)


scenario = Scenario(
    start=NicDriver.Start,
    concurrently=[NicDriver.ClearCounter],
    processors=[1, 2],
    expect={
        1: Violated("irql-lowered-wrongly", steps=20, states=246),
        2: Violated("irql-lowered-wrongly", steps=20, states=405),
    },
)
