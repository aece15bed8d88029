"""A network card: a thread lowers its IRQL first and releases the spin lock then.

To share a helper with the DPC, the thread raises to DISPATCH_LEVEL, takes the lock with the form
that leaves the IRQL alone, and undoes both at the end.

Bug: it undoes them in the wrong order. Between KeLowerIrql and the release the thread owns a spin
lock at PASSIVE_LEVEL. The DPC that was held back runs at that very moment, on the same processor,
and spins for the lock.

Source: "Preventing Errors and Deadlocks While Using Spin Locks": the owner of a spin lock stays at
or above its level.

In the trace look at the step before the end.
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
        KeAcquireSpinLockAtDpcLevel(self.StatisticsLock)
        self.Frames += 1
        KeReleaseSpinLockFromDpcLevel(self.StatisticsLock)

    def ResetStatistics(self):
        KeRaiseIrql(DISPATCH_LEVEL, OldIrql)
        KeAcquireSpinLockAtDpcLevel(self.StatisticsLock)
        self.Frames = 0
        KeLowerIrql(OldIrql)
        KeReleaseSpinLockFromDpcLevel(self.StatisticsLock)
        return STATUS_SUCCESS


scenario = Scenario(
    start=NicDriver.Start,
    concurrently=[NicDriver.ResetStatistics],
    processors=[1, 2],
    expect={
        1: Violated("irql-lowered-below-lock", steps=8, states=68),
        2: Violated("irql-lowered-below-lock", steps=8, states=86),
    },
)
