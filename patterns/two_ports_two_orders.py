"""A bridge with two ports: forwarding takes the locks of both, its own first.

Each port has a spin lock for its counters. Moving a frame from one port to the other holds both
for a moment: first that of the port where the frame came in, then the other.

Bug: with frames in both directions, two processors each own one lock and spin for the other. On one
processor nothing happens, because the owner of a spin lock cannot be switched away from.

Source: "Preventing Errors and Deadlocks While Using Spin Locks": nested locks are taken in one
order everywhere; Driver Verifier, 0xC4/0x1001.

In the trace look at which lock each of the two threads owns when it begins to spin.
"""

from dirql.model.wdk import *


class Port(Structure):
    Lock = KSPIN_LOCK()
    Frames = Int(0, 2, saturating=True)


class Bridge(Driver):
    left = Port()
    right = Port()

    def ForwardRight(self):
        KeAcquireSpinLock(self.left.Lock, OldIrql)
        KeAcquireSpinLockAtDpcLevel(self.right.Lock)
        self.left.Frames += 1
        self.right.Frames += 1
        KeReleaseSpinLockFromDpcLevel(self.right.Lock)
        KeReleaseSpinLock(self.left.Lock, OldIrql)

    def ForwardLeft(self):
        KeAcquireSpinLock(self.right.Lock, OldIrql)
        KeAcquireSpinLockAtDpcLevel(self.left.Lock)
        self.right.Frames += 1
        self.left.Frames += 1
        KeReleaseSpinLockFromDpcLevel(self.left.Lock)
        KeReleaseSpinLock(self.right.Lock, OldIrql)


scenario = Scenario(
    concurrently=[Bridge.ForwardRight, Bridge.ForwardLeft],
    processors=[1, 2],
    expect={1: Holds(states=36), 2: Violated("lock-cycle", steps=4, states=29)},
)
