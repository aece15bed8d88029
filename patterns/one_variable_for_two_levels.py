"""A storage adapter: two nested spin locks save their old IRQL in one variable.

A request moves from the waiting list to the device list; each has its lock, always taken in the
same order. The function has one local OldIrql for both acquisitions.

Bug: the second acquisition overwrites what the first saved. At its return OldIrql is DISPATCH_LEVEL
in both releases, and the thread goes back to its caller at DISPATCH_LEVEL.

Source: KeAcquireSpinLock, KeReleaseSpinLock: NewIrql is the value that the acquisition of the same
lock gave.

In the trace look at the levels that the last release and the first acquisition name.
"""

from dirql.model.wdk import *


class Adapter(Driver):
    WaitingLock = KSPIN_LOCK()
    DeviceLock = KSPIN_LOCK()
    Waiting = Int(0, 2, initial=2)
    AtDevice = Int(0, 2)

    def StartNextRequest(self):
        KeAcquireSpinLock(self.WaitingLock, OldIrql)
        KeAcquireSpinLock(self.DeviceLock, OldIrql)
        if self.Waiting:
            self.Waiting -= 1
            self.AtDevice += 1
        KeReleaseSpinLock(self.DeviceLock, OldIrql)
        KeReleaseSpinLock(self.WaitingLock, OldIrql)
        return STATUS_SUCCESS


scenario = Scenario(
    concurrently=[Adapter.StartNextRequest, Adapter.StartNextRequest],
    processors=[1, 2],
    expect={
        1: Violated("irql-lowered-wrongly", steps=10, states=19),
        2: Violated("irql-lowered-wrongly", steps=10, states=71),
    },
)
