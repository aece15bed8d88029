"""A flash controller, fixed: testing and taking the lock is one interlocked operation.

The twin of home_made_lock.py. WriteRelease is enough to give the lock back, since only its owner
writes then.

Source: InterlockedCompareExchange; "Introduction to Interlocked Operations".
"""

from dirql.model.wdk import *


class Flash(Driver):
    Busy = Bit(0)
    Users = Int(0, 2, volatile=True)

    @invariant
    def one_user(self):
        return self.Users <= 1

    def Erase(self):
        if InterlockedCompareExchange(self.Busy, 1, 0):
            return STATUS_DEVICE_NOT_READY
        InterlockedIncrement(self.Users)
        InterlockedDecrement(self.Users)
        WriteRelease(self.Busy, 0)
        return STATUS_SUCCESS


scenario = Scenario(
    concurrently=[Flash.Erase, Flash.Erase],
    processors=[1, 2],
    expect={1: Holds(states=16), 2: Holds(states=16)},
)
