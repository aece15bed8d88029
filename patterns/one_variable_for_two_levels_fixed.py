"""A storage adapter, fixed: the inner lock is taken without touching the IRQL.

The twin of one_variable_for_two_levels.py. Once the first lock is held the thread is at
DISPATCH_LEVEL, so there is no second level to save. Two variables would do as well.

Source: KeAcquireSpinLockAtDpcLevel, remarks.
"""

from dirql.model.wdk import *


class Adapter(Driver):
    WaitingLock = KSPIN_LOCK()
    DeviceLock = KSPIN_LOCK()
    Waiting = Int(0, 2, initial=2)
    AtDevice = Int(0, 2)

    def StartNextRequest(self):
        KeAcquireSpinLock(self.WaitingLock, OldIrql)
        KeAcquireSpinLockAtDpcLevel(self.DeviceLock)
        if self.Waiting:
            self.Waiting -= 1
            self.AtDevice += 1
        KeReleaseSpinLockFromDpcLevel(self.DeviceLock)
        KeReleaseSpinLock(self.WaitingLock, OldIrql)
        return STATUS_SUCCESS


scenario = Scenario(
    concurrently=[Adapter.StartNextRequest, Adapter.StartNextRequest],
    processors=[1, 2],
    expect={1: Holds(states=40), 2: Holds(states=110)},
)
