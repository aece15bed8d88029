"""A storage adapter: a DPC releases its two spin locks in the order in which it took them.

The DPC moves a finished request from the list of the device to the list of completions and holds
the locks of both for a moment. The author released the first as early as possible.

Bug: Windows asks for the reverse order, and Driver Verifier stops at the first release. With these
two routines nothing else goes wrong; with a pair that restores the IRQL, the first release would
lower it under the second lock.

Source: "Preventing Errors and Deadlocks While Using Spin Locks": locks are released in the reverse
order of acquisition; Driver Verifier, 0xC4/0x1003.

In the trace look at the last release.
"""

from dirql.model.wdk import *


class Adapter(Device):
    """Finishes requests; reading the status acknowledges."""

    enabled = Bit(0)
    finished = Bit(0)

    def line(self):
        return self.finished and self.enabled

    @hardware
    def request_finishes(self):
        self.finished = 1

    def acknowledge(self):
        had_finished = self.finished
        self.finished = 0
        return had_finished


class AdapterDriver(Driver):
    adapter = Adapter(Line(irql=6, mode=LevelSensitive))
    Self = DEVICE_OBJECT()
    Interrupt = PKINTERRUPT()
    DeviceLock = KSPIN_LOCK()
    CompletionLock = KSPIN_LOCK()
    AtDevice = Int(0, 1, initial=1)
    Completed = Int(0, 1)

    def Start(self):
        IoInitializeDpcRequest(self.Self, self.DpcForIsr)
        # Only the first processor is interrupted, as a legacy controller routes its lines.
        status = IoConnectInterrupt(self.Interrupt, self.Isr, ProcessorEnableMask=1)
        if not NT_SUCCESS(status):
            return status
        self.adapter.enabled = 1
        return STATUS_SUCCESS

    def Isr(self, Interrupt, ServiceContext):
        if not self.adapter.acknowledge():
            return FALSE
        IoRequestDpc(self.Self)
        return TRUE

    def DpcForIsr(self, Dpc, DeviceObject, Irp, Context):
        KeAcquireSpinLockAtDpcLevel(self.DeviceLock)
        KeAcquireSpinLockAtDpcLevel(self.CompletionLock)
        if self.AtDevice:
            self.AtDevice = 0
            self.Completed = 1
        KeReleaseSpinLockFromDpcLevel(self.DeviceLock)
        KeReleaseSpinLockFromDpcLevel(self.CompletionLock)


scenario = Scenario(
    start=AdapterDriver.Start,
    processors=[1, 2],
    expect={
        1: Violated("release-out-of-order", steps=16, states=229),
        2: Violated("release-out-of-order", steps=16, states=229),
    },
)
