"""A network card: a reset brings everything into its first state, the spin lock as well.

A lock guards the count of frames. After an error an I/O control code resets the card: it masks the
card, initialises the driver's own state with the routine that the start uses, and unmasks it.

Bug: that routine initialises the spin lock too. A DPC that owns it on another processor at that
moment owns nothing any more; two are in the critical section, and the second release is one of a
lock that is free. With one processor no DPC is in progress while the thread runs.

Source: KeInitializeSpinLock, remarks; bug check 0xC4 (0x1005).

In the trace the DPC holds the lock on one processor, and the reset runs on the other.
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
        self.InitialState()
        # Only the first processor is interrupted, as a legacy controller routes its lines.
        status = IoConnectInterrupt(self.Interrupt, self.Isr, ProcessorEnableMask=1)
        if not NT_SUCCESS(status):
            return status
        self.nic.enabled = 1
        return STATUS_SUCCESS

    def InitialState(self):
        KeInitializeSpinLock(self.FramesLock)
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
    expect={1: Holds(states=2466), 2: Violated("uninitialized-object", steps=21, states=432)},
)
