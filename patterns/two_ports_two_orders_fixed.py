"""A bridge with two ports, fixed: whatever the direction, the left port's lock comes first.

The twin of two_ports_two_orders.py. Any fixed order will do; where ports are many, that of their
addresses.

Source: "Preventing Errors and Deadlocks While Using Spin Locks".
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
        KeAcquireSpinLock(self.left.Lock, OldIrql)
        KeAcquireSpinLockAtDpcLevel(self.right.Lock)
        self.right.Frames += 1
        self.left.Frames += 1
        KeReleaseSpinLockFromDpcLevel(self.right.Lock)
        KeReleaseSpinLock(self.left.Lock, OldIrql)


scenario = Scenario(
    concurrently=[Bridge.ForwardRight, Bridge.ForwardLeft],
    processors=[1, 2],
    expect={1: Holds(states=36), 2: Holds(states=98)},
)
