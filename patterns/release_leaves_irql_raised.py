"""A network card: a thread raises to take a spin lock, and its release does not lower again.

The code that reads the statistics was copied from the DPC into a thread. The acquisition was
adapted (it raises to DISPATCH_LEVEL now), the release was not.

Bug: KeReleaseSpinLockFromDpcLevel leaves the IRQL alone. It fits KeAcquireSpinLockAtDpcLevel, which
left it alone as well; after KeAcquireSpinLockRaiseToDpc the thread goes on at DISPATCH_LEVEL, and
what fails is whatever it calls next that must not be called there: here it sleeps.

Source: KeReleaseSpinLockFromDpcLevel, remarks; Driver Verifier's check 0xC4/0x1009.

In the trace follow the level of the thread: the acquisition raises it, and nothing lowers it again.
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
        KeAcquireSpinLockRaiseToDpc(self.StatisticsLock)
        self.Frames = 0
        KeReleaseSpinLockFromDpcLevel(self.StatisticsLock)
        KeDelayExecutionThread(KernelMode, FALSE, LARGE_INTEGER(-1))
        return STATUS_SUCCESS


scenario = Scenario(
    start=NicDriver.Start,
    concurrently=[NicDriver.QueryStatistics],
    processors=[1, 2],
    expect={
        1: Violated("wait-at-dispatch-level", steps=9, states=87),
        2: Violated("wait-at-dispatch-level", steps=9, states=117),
    },
)
