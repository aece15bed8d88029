"""Spin locks: R41 to R47."""

from .cases import CONNECT, QUEUE, SERVE, STARTED, WIRED, Case, main
from .lock_parts import (
    ACQUIRE,
    AT_DPC,
    FROM_DPC,
    GIVE_INTERRUPT,
    GIVE_QUEUED,
    INNER,
    LOCK,
    LOWER,
    NESTED,
    RAISE,
    RELEASE,
    SYNCHRONIZE,
    TAKE_AND_GIVE,
    TAKE_INTERRUPT,
    TAKE_QUEUED,
    TOUCH,
    one_thread,
)

_SPIN_LOCKS = (
    one_thread(
        "R41",
        "release-of-unowned-lock",
        "released twice",
        LOCK,
        (*TAKE_AND_GIVE, RELEASE),
        TAKE_AND_GIVE,
    ),
    one_thread(
        "R41",
        "release-out-of-order",
        "the outer lock is released first",
        INNER,
        (*NESTED[:2], NESTED[3], NESTED[2]),
        NESTED,
    ),
    one_thread(
        "R41",
        "mixed-lock-routines",
        "taken by KeAcquireSpinLock, released by the FromDpcLevel form",
        LOCK,
        (ACQUIRE, FROM_DPC, LOWER),
        TAKE_AND_GIVE,
    ),
    one_thread(
        "R41",
        "mixed-lock-routines",
        "taken by the AtDpcLevel form, released by KeReleaseSpinLock",
        LOCK,
        (RAISE, AT_DPC, RELEASE),
        (RAISE, AT_DPC, FROM_DPC, LOWER),
    ),
    one_thread(
        "R41",
        "mixed-lock-routines",
        "a queued lock is released by the FromDpcLevel form",
        LOCK,
        (TAKE_QUEUED, "KeReleaseInStackQueuedSpinLockFromDpcLevel(Handle)"),
        (TAKE_QUEUED, GIVE_QUEUED),
    ),
    one_thread(
        "R41",
        "irql-lowered-wrongly",
        "released with the other lock's level",
        INNER,
        (*NESTED[:2], NESTED[2].replace("Inner)", "Outer)"), NESTED[3]),
        NESTED,
    ),
    one_thread(
        "R41",
        "irql-too-low",
        "released by the FromDpcLevel form below DISPATCH_LEVEL",
        LOCK,
        (AT_DPC, FROM_DPC),
        (RAISE, AT_DPC, FROM_DPC, LOWER),
    ),
    one_thread(
        "R41",
        "irql-not-restored",
        "the level is never restored",
        LOCK,
        (RAISE, AT_DPC, FROM_DPC),
        (RAISE, AT_DPC, FROM_DPC, LOWER),
    ),
    one_thread(
        "R42", "recursive-lock-acquire", "taken twice", LOCK, (ACQUIRE, ACQUIRE), TAKE_AND_GIVE
    ),
    one_thread(
        "R42",
        "recursive-lock-acquire",
        "taken again by the AtDpcLevel form",
        LOCK,
        (ACQUIRE, AT_DPC),
        TAKE_AND_GIVE,
    ),
    one_thread(
        "R42",
        "recursive-lock-acquire",
        "a queued lock is taken twice",
        LOCK,
        (TAKE_QUEUED, TAKE_QUEUED.replace("Handle", "Again")),
        (TAKE_QUEUED, GIVE_QUEUED),
    ),
    one_thread(
        "R42",
        "recursive-lock-acquire",
        "the cancel lock is taken twice",
        "",
        ("IoAcquireCancelSpinLock(OldIrql)", "IoAcquireCancelSpinLock(Again)"),
        ("IoAcquireCancelSpinLock(OldIrql)", "IoReleaseCancelSpinLock(OldIrql)"),
    ),
    one_thread(
        "R42",
        "recursive-lock-acquire",
        "a helper takes the lock of its caller",
        LOCK + "def Help(self):\n    KeAcquireSpinLock(self.Lock, Saved)\n"
        "    KeReleaseSpinLock(self.Lock, Saved)\n",
        (ACQUIRE, "self.Help()", RELEASE),
        (ACQUIRE, RELEASE, "self.Help()"),
    ),
    one_thread(
        "R44",
        "mixed-lock-kinds",
        "one lock is taken as an ordinary and as a queued one",
        LOCK,
        (*TAKE_AND_GIVE, TAKE_QUEUED, GIVE_QUEUED),
        (TAKE_QUEUED, GIVE_QUEUED),
    ),
    Case(
        "R44",
        "mixed-lock-kinds",
        "the lock of an ExInterlocked routine at DIRQL is taken as an ordinary one",
        WIRED
        + CONNECT
        + LOCK
        + """
count = Int(0, 1, saturating=True, volatile=True)
def Isr(self, Interrupt, ServiceContext):
    if not self.nic.cause:
        return FALSE
    self.nic.cause = 0
    ExInterlockedAddUlong(self.count, 1, self.Lock)
    return TRUE
""",
        main(*TAKE_AND_GIVE),
        main("ExInterlockedAddUlong(self.count, 1, self.Lock)"),
    ),
    one_thread(
        "R45",
        "irql-lowered-below-lock",
        "lowered while a lock is held",
        LOCK,
        (ACQUIRE, LOWER, RELEASE),
        TAKE_AND_GIVE,
    ),
    one_thread(
        "R45",
        "irql-lowered-below-lock",
        "lowered while a queued lock is held",
        LOCK,
        (TAKE_QUEUED, "KeLowerIrql(PASSIVE_LEVEL)", GIVE_QUEUED),
        (TAKE_QUEUED, GIVE_QUEUED),
    ),
    Case(
        "R45",
        "irql-lowered-below-lock",
        "lowered while an interrupt lock is held",
        WIRED + CONNECT + SERVE,
        main(TAKE_INTERRUPT, "KeLowerIrql(OldIrql)", GIVE_INTERRUPT),
        main(TAKE_INTERRUPT, GIVE_INTERRUPT),
    ),
    one_thread(
        "R45",
        "irql-lowered-below-lock",
        "releasing the outer lock first lowers below the inner one",
        INNER,
        (NESTED[0], "KeAcquireSpinLockAtDpcLevel(self.Inner)", "KeLowerIrql(Outer)"),
        NESTED,
    ),
    one_thread(
        "R45",
        "release-out-of-order",
        "releasing the outer lock lowers below the inner one",
        INNER,
        (
            NESTED[0],
            "KeAcquireSpinLockAtDpcLevel(self.Inner)",
            NESTED[3],
            "KeReleaseSpinLockFromDpcLevel(self.Inner)",
        ),
        NESTED,
    ),
    one_thread(
        "R46", "lock-held-at-return", "a thread returns with it", LOCK, (ACQUIRE,), TAKE_AND_GIVE
    ),
    Case(
        "R46",
        "lock-held-at-return",
        "a DPC returns with it",
        WIRED + QUEUE + LOCK,
        f"def Deferred(self, Dpc, DeferredContext):\n    {AT_DPC}\n",
        f"def Deferred(self, Dpc, DeferredContext):\n    {AT_DPC}\n    {FROM_DPC}\n",
        STARTED,
    ),
    Case(
        "R46",
        "lock-held-at-return",
        "a thread returns with an interrupt lock",
        WIRED + CONNECT + SERVE,
        main(TAKE_INTERRUPT),
        main(TAKE_INTERRUPT, GIVE_INTERRUPT),
    ),
    one_thread(
        "R47",
        "irql-too-high",
        "KeAcquireSpinLock above DISPATCH_LEVEL",
        LOCK,
        ("KeRaiseIrql(5, Saved)", *TAKE_AND_GIVE, "KeLowerIrql(Saved)"),
        ("KeRaiseIrql(DISPATCH_LEVEL, Saved)", *TAKE_AND_GIVE, "KeLowerIrql(Saved)"),
    ),
    one_thread(
        "R47",
        "irql-too-low",
        "the AtDpcLevel form at APC_LEVEL",
        LOCK,
        ("KeRaiseIrql(APC_LEVEL, Saved)", AT_DPC, FROM_DPC, "KeLowerIrql(Saved)"),
        ("KeRaiseIrql(DISPATCH_LEVEL, Saved)", AT_DPC, FROM_DPC, "KeLowerIrql(Saved)"),
    ),
    one_thread(
        "R47",
        "irql-too-low",
        "the queued AtDpcLevel form at PASSIVE_LEVEL",
        LOCK,
        (
            "KeAcquireInStackQueuedSpinLockAtDpcLevel(self.Lock, Handle)",
            "KeReleaseInStackQueuedSpinLockFromDpcLevel(Handle)",
        ),
        (TAKE_QUEUED, GIVE_QUEUED),
    ),
    one_thread(
        "R47",
        "irql-too-low",
        "the try form at PASSIVE_LEVEL",
        LOCK,
        ("if KeTryToAcquireSpinLockAtDpcLevel(self.Lock):", f"    {FROM_DPC}"),
        (
            RAISE,
            "if KeTryToAcquireSpinLockAtDpcLevel(self.Lock):",
            f"    {FROM_DPC}",
            LOWER,
        ),
    ),
)

_ORDERS = (
    Case(
        "R43",
        "lock-cycle",
        "two locks are taken in both orders",
        INNER + main(*NESTED),
        "def Other(self):\n"
        "    KeAcquireSpinLock(self.Inner, Outer)\n    KeAcquireSpinLock(self.Lock, Inner)\n"
        "    KeReleaseSpinLock(self.Lock, Inner)\n    KeReleaseSpinLock(self.Inner, Outer)\n",
        main(*NESTED).replace("Main", "Other"),
        "concurrently=[Drv.Main, Drv.Other]",
        processors=2,
    ),
    Case(
        "R43",
        "lock-cycle",
        "a spin lock and the interrupt lock are taken in both orders",
        WIRED + CONNECT + LOCK + main(ACQUIRE, SYNCHRONIZE, RELEASE) + TOUCH.format(work="pass"),
        """
def Isr(self, Interrupt, ServiceContext):
    if not self.nic.cause:
        return FALSE
    KeAcquireSpinLockAtDpcLevel(self.Lock)
    KeReleaseSpinLockFromDpcLevel(self.Lock)
    self.nic.cause = 0
    return TRUE
""",
        SERVE,
        processors=2,
    ),
    Case(
        "R43",
        "stuck-context",
        "two fast mutexes are taken in both orders",
        "First = FAST_MUTEX()\nSecond = FAST_MUTEX()\n"
        + main(
            "ExAcquireFastMutex(self.First)",
            "ExAcquireFastMutex(self.Second)",
            "ExReleaseFastMutex(self.Second)",
            "ExReleaseFastMutex(self.First)",
        ),
        main(
            "ExAcquireFastMutex(self.Second)",
            "ExAcquireFastMutex(self.First)",
            "ExReleaseFastMutex(self.First)",
            "ExReleaseFastMutex(self.Second)",
        ).replace("Main", "Other"),
        main("ExAcquireFastMutex(self.First)", "ExReleaseFastMutex(self.First)").replace(
            "Main", "Other"
        ),
        "concurrently=[Drv.Main, Drv.Other]",
    ),
)

CASES = (*_SPIN_LOCKS, *_ORDERS)
