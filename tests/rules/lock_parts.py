"""Calls around locks, as drivers of several chapters make them."""

from .cases import MAIN, Case, main

LOCK = "Lock = KSPIN_LOCK()\n"
INNER = LOCK + "Inner = KSPIN_LOCK()\n"
TOUCH = "def Touch(self, SynchronizeContext):\n    {work}\n    return TRUE\n"
SYNCHRONIZE = "KeSynchronizeExecution(self.Interrupt, self.Touch)"
SYNCHRONIZED = TOUCH + main(SYNCHRONIZE)

RAISE, LOWER = "KeRaiseIrql(DISPATCH_LEVEL, OldIrql)", "KeLowerIrql(OldIrql)"
ACQUIRE = "KeAcquireSpinLock(self.Lock, OldIrql)"
RELEASE = "KeReleaseSpinLock(self.Lock, OldIrql)"
AT_DPC = "KeAcquireSpinLockAtDpcLevel(self.Lock)"
FROM_DPC = "KeReleaseSpinLockFromDpcLevel(self.Lock)"
TAKE_QUEUED = "KeAcquireInStackQueuedSpinLock(self.Lock, Handle)"
GIVE_QUEUED = "KeReleaseInStackQueuedSpinLock(Handle)"
TAKE_INTERRUPT = "OldIrql = KeAcquireInterruptSpinLock(self.Interrupt)"
GIVE_INTERRUPT = "KeReleaseInterruptSpinLock(self.Interrupt, OldIrql)"

TAKE_AND_GIVE = (ACQUIRE, RELEASE)
NESTED = (
    "KeAcquireSpinLock(self.Lock, Outer)",
    "KeAcquireSpinLock(self.Inner, Inner)",
    "KeReleaseSpinLock(self.Inner, Inner)",
    "KeReleaseSpinLock(self.Lock, Outer)",
)
"""Two locks, one inside the other."""


def one_thread(
    rule: str, broken: str, words: str, common: str, breaks: tuple[str, ...], keeps: tuple[str, ...]
) -> Case:
    """A driver of one thread and no device."""
    return Case(rule, broken, words, common, main(*breaks), main(*keeps), MAIN)
