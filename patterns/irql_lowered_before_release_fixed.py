"""A network card, fixed: the lock is released before the IRQL is lowered.

The twin of irql_lowered_before_release.py: what was done last is undone first.

Source: "Preventing Errors and Deadlocks While Using Spin Locks".
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
        KeReleaseSpinLockFromDpcLevel(self.StatisticsLock)
        KeLowerIrql(OldIrql)
        return STATUS_SUCCESS


scenario = Scenario(
    start=NicDriver.Start,
    concurrently=[NicDriver.ResetStatistics],
    processors=[1, 2],
    expect={1: Holds(states=1570), 2: Holds(states=2626)},
)
