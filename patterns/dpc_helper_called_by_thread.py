"""A network card: a helper written for DPCs is called by a thread as well.

CountFrame updates the statistics under a spin lock. It was written for the DPC, which runs at
DISPATCH_LEVEL already, and so takes the lock with KeAcquireSpinLockAtDpcLevel, which does not touch
the IRQL. Later the loopback path, a thread at PASSIVE_LEVEL, began to call it.

Bug: below DISPATCH_LEVEL the routine must not be called. The thread would own the lock at
PASSIVE_LEVEL, where the DPC can come in on the same processor and spin for a lock whose owner is
never scheduled again.

Source: KeAcquireSpinLockAtDpcLevel, remarks: the caller is at DISPATCH_LEVEL; below it the routine
to call is KeAcquireSpinLock.

In the trace look at the IRQL of the call.
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
    Self = DEVICE_OBJECT()
    Interrupt = PKINTERRUPT()
    StatisticsLock = KSPIN_LOCK()
    Frames = Int(0, 1, saturating=True)

    def Start(self):
        IoInitializeDpcRequest(self.Self, self.DpcForIsr)
        # Only the first processor is interrupted, as a legacy controller routes its lines.
        status = IoConnectInterrupt(self.Interrupt, self.Isr, ProcessorEnableMask=1)
        if not NT_SUCCESS(status):
            return status
        self.nic.enabled = 1
        return STATUS_SUCCESS

    def Isr(self, Interrupt, ServiceContext):
        if not self.nic.acknowledge():
            return FALSE
        IoRequestDpc(self.Self)
        return TRUE

    def DpcForIsr(self, Dpc, DeviceObject, Irp, Context):
        self.CountFrame()

    def CountFrame(self):
        KeAcquireSpinLockAtDpcLevel(self.StatisticsLock)
        self.Frames += 1
        KeReleaseSpinLockFromDpcLevel(self.StatisticsLock)

    def SendLoopback(self):
        self.CountFrame()
        return STATUS_SUCCESS


scenario = Scenario(
    start=NicDriver.Start,
    concurrently=[NicDriver.SendLoopback],
    processors=[1, 2],
    expect={
        1: Violated("irql-too-low", steps=5, states=25),
        2: Violated("irql-too-low", steps=5, states=25),
    },
)
