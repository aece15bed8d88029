"""A storage adapter: one spin lock is taken as a queued lock here and as an ordinary one there.

The send path was moved to in-stack queued spin locks, which scale better. The DPC that takes the
requests off the same list still uses the ordinary routines.

Bug: the two families understand the word in memory differently, one as a flag, the other as the
end of a queue. Mixed, the lock excludes nobody, or a waiter is never woken. It works as long as
the two never meet.

Source: KeAcquireInStackQueuedSpinLock, remarks: ordinary and queued routines are never mixed on
one lock; "Queued Spin Locks".

In the trace look at which routine takes the lock first; its last line names the other.
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
        KeAcquireSpinLockAtDpcLevel(self.ListLock)
        if self.Pending:
            self.Pending -= 1
        KeReleaseSpinLockFromDpcLevel(self.ListLock)

    def SendRequest(self):
        KeAcquireInStackQueuedSpinLock(self.ListLock, LockHandle)
        self.Pending += 1
        KeReleaseInStackQueuedSpinLock(LockHandle)
        return STATUS_PENDING


scenario = Scenario(
    start=AdapterDriver.Start,
    concurrently=[AdapterDriver.SendRequest],
    processors=[1, 2],
    expect={
        1: Violated("mixed-lock-kinds", steps=6, states=27),
        2: Violated("mixed-lock-kinds", steps=6, states=27),
    },
)
