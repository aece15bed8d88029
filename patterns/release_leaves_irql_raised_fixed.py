"""A network card, fixed: the release belongs to the acquisition and lowers the IRQL again.

The twin of release_leaves_irql_raised.py. KeReleaseSpinLock gets the level that
KeAcquireSpinLockRaiseToDpc returned; the DPC, which is at DISPATCH_LEVEL before and after, keeps
the pair that does not touch the IRQL.

Source: KeReleaseSpinLock, remarks.
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

    def QueryStatistics(self):
        OldIrql = KeAcquireSpinLockRaiseToDpc(self.StatisticsLock)
        self.Frames = 0
        KeReleaseSpinLock(self.StatisticsLock, OldIrql)
        KeDelayExecutionThread(KernelMode, FALSE, LARGE_INTEGER(-1))
        return STATUS_SUCCESS


scenario = Scenario(
    start=NicDriver.Start,
    concurrently=[NicDriver.QueryStatistics],
    processors=[1, 2],
    expect={1: Holds(states=2318), 2: Holds(states=3374)},
)
