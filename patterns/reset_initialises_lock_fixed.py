"""A network card, fixed: a reset leaves the spin lock as it is.

The twin of reset_initialises_lock.py. The lock is initialised when the driver starts. The reset
takes it, like everybody else, and changes what it guards.

Source: KeInitializeSpinLock, remarks.
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
    FramesLock = KSPIN_LOCK()
    Frames = Int(0, 1, saturating=True)

    def Start(self):
        KeInitializeDpc(self.Dpc, self.CountFrame)
        KeInitializeSpinLock(self.FramesLock)
        self.InitialState()
        # Only the first processor is interrupted, as a legacy controller routes its lines.
        status = IoConnectInterrupt(self.Interrupt, self.Isr, ProcessorEnableMask=1)
        if not NT_SUCCESS(status):
            return status
        self.nic.enabled = 1
        return STATUS_SUCCESS

    def InitialState(self):
        KeAcquireSpinLock(self.FramesLock, OldIrql)
        self.Frames = 0
        KeReleaseSpinLock(self.FramesLock, OldIrql)

    def Isr(self, Interrupt, ServiceContext):
        if not self.nic.acknowledge():
            return FALSE
        KeInsertQueueDpc(self.Dpc)
        return TRUE

    def CountFrame(self, Dpc, DeferredContext):
        KeAcquireSpinLockAtDpcLevel(self.FramesLock)
        self.Frames += 1
        KeReleaseSpinLockFromDpcLevel(self.FramesLock)

    def Reset(self):
        self.nic.enabled = 0
        self.InitialState()
        self.nic.enabled = 1


scenario = Scenario(
    start=NicDriver.Start,
    concurrently=[NicDriver.Reset],
    processors=[1, 2],
    expect={1: Holds(states=2214), 2: Holds(states=3242)},
)
