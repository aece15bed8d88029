"""A storage adapter, fixed: every user of the lock takes it as a queued one.

The twin of queued_lock_used_as_ordinary.py. The DPC uses the form for callers that are at
DISPATCH_LEVEL already, with the same handle for acquisition and release.

Source: KeAcquireInStackQueuedSpinLockAtDpcLevel; "Queued Spin Locks".
"""

from dirql.model.wdk import *


class Adapter(Device):
    """Completes a request; reading the status acknowledges."""

    enabled = Bit(0)
    completed = Bit(0)

    def line(self):
        return self.completed and self.enabled

    @hardware
    def request_completes(self):
        self.completed = 1

    def acknowledge(self):
        was_completed = self.completed
        self.completed = 0
        return was_completed


class AdapterDriver(Driver):
    adapter = Adapter(Line(irql=6, mode=LevelSensitive))
    Self = DEVICE_OBJECT()
    Interrupt = PKINTERRUPT()
    ListLock = KSPIN_LOCK()
    Pending = Int(0, 1)

    def Start(self):
        KeInitializeSpinLock(self.ListLock)
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
        KeAcquireInStackQueuedSpinLockAtDpcLevel(self.ListLock, LockHandle)
        if self.Pending:
            self.Pending -= 1
        KeReleaseInStackQueuedSpinLockFromDpcLevel(LockHandle)

    def SendRequest(self):
        KeAcquireInStackQueuedSpinLock(self.ListLock, LockHandle)
        self.Pending += 1
        KeReleaseInStackQueuedSpinLock(LockHandle)
        return STATUS_PENDING


scenario = Scenario(
    start=AdapterDriver.Start,
    concurrently=[AdapterDriver.SendRequest],
    processors=[1, 2],
    expect={1: Holds(states=984), 2: Holds(states=1424)},
)
