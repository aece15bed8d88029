"""A flash controller: a lock of the driver's own, tested with one access and taken with another.

The controller has one command register. To keep two threads apart without raising the IRQL, the
driver has a busy flag: it is read with ReadAcquire and, if clear, set; WriteRelease clears it.

Bug: between the read and the write another thread reads a clear flag as well. Acquire and release
order what happens before and after; they do not join two accesses. One processor is enough, because
threads are switched at any time.

Source: ReadAcquire, WriteRelease; "Introduction to Interlocked Operations".

The claim of the pattern, that at most one thread uses the controller, is what breaks; in the trace
look at the reads of Busy.
"""

from dirql.model.wdk import *


class Flash(Driver):
    Busy = Bit(0)
    Users = Int(0, 2, volatile=True)

    @invariant
    def one_user(self):
        return self.Users <= 1

    def Erase(self):
        if ReadAcquire(self.Busy):
            return STATUS_DEVICE_NOT_READY
        WriteRelease(self.Busy, 1)
        InterlockedIncrement(self.Users)
        InterlockedDecrement(self.Users)
        WriteRelease(self.Busy, 0)
        return STATUS_SUCCESS


scenario = Scenario(
    concurrently=[Flash.Erase, Flash.Erase],
    processors=[1, 2],
    expect={
        1: Violated("claim-broken", steps=6, states=33),
        2: Violated("claim-broken", steps=6, states=33),
    },
)
