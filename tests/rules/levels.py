"""Levels, waits, mutexes and the cancel lock: R48 to R53."""

from .cases import Case, main
from .lock_parts import (
    ACQUIRE,
    INNER,
    LOCK,
    LOWER,
    NESTED,
    RAISE,
    RELEASE,
    TAKE_AND_GIVE,
    one_thread,
)

_EVENT = "Done = KEVENT(NotificationEvent, FALSE)\n"
_WAIT = "KeWaitForSingleObject(self.Done, Executive, KernelMode, FALSE, {timeout})"
_MUTEX = "Mutex = FAST_MUTEX()\n"
_OWN, _LEAVE = "ExAcquireFastMutex(self.Mutex)", "ExReleaseFastMutex(self.Mutex)"

_LEVELS = (
    one_thread(
        "R48",
        "irql-not-restored",
        "a thread returns raised",
        "",
        (RAISE,),
        (RAISE, LOWER),
    ),
    one_thread(
        "R48",
        "irql-raised-downwards",
        "raised to a lower level",
        "",
        ("KeRaiseIrql(5, First)", "KeRaiseIrql(DISPATCH_LEVEL, Second)", "KeLowerIrql(First)"),
        (
            "KeRaiseIrql(DISPATCH_LEVEL, First)",
            "KeRaiseIrql(5, Second)",
            "KeLowerIrql(Second)",
            "KeLowerIrql(First)",
        ),
    ),
    one_thread(
        "R48",
        "irql-lowered-wrongly",
        "lowered past the level in between",
        "",
        ("KeRaiseIrql(DISPATCH_LEVEL, First)", "KeRaiseIrql(5, Second)", "KeLowerIrql(First)"),
        (
            "KeRaiseIrql(DISPATCH_LEVEL, First)",
            "KeRaiseIrql(5, Second)",
            "KeLowerIrql(Second)",
            "KeLowerIrql(First)",
        ),
    ),
    one_thread(
        "R48",
        "irql-lowered-wrongly",
        "lowered without having been raised",
        "",
        ("KeRaiseIrql(DISPATCH_LEVEL, First)", "KeLowerIrql(First)", "KeLowerIrql(APC_LEVEL)"),
        ("KeRaiseIrql(DISPATCH_LEVEL, First)", "KeLowerIrql(First)"),
    ),
    one_thread(
        "R48",
        "release-out-of-order",
        "levels do not nest",
        INNER,
        (*NESTED[:2], NESTED[3], NESTED[2]),
        NESTED,
    ),
    one_thread(
        "R49",
        "wait-at-dispatch-level",
        "a wait without end at DISPATCH_LEVEL",
        _EVENT + "Ready = KEVENT(NotificationEvent, TRUE)\n",
        (RAISE, _WAIT.format(timeout="NULL"), LOWER),
        (RAISE, _WAIT.format(timeout="LARGE_INTEGER(0)"), LOWER),
    ),
    one_thread(
        "R49",
        "wait-at-dispatch-level",
        "a wait with a timeout at DISPATCH_LEVEL",
        _EVENT,
        (RAISE, _WAIT.format(timeout="LARGE_INTEGER(5)"), LOWER),
        (_WAIT.format(timeout="LARGE_INTEGER(5)"),),
    ),
    one_thread(
        "R49",
        "wait-at-dispatch-level",
        "a thread sleeps under a spin lock",
        LOCK,
        (ACQUIRE, "KeDelayExecutionThread(KernelMode, FALSE, 1)", RELEASE),
        (*TAKE_AND_GIVE, "KeDelayExecutionThread(KernelMode, FALSE, 1)"),
    ),
    Case(
        "R49",
        "stuck-context",
        "a raised thread polls for what another thread of its processor sets",
        "Ready = Bit(0, volatile=True)\ndef Other(self):\n    self.Ready = 1\n",
        main(RAISE, "while not self.Ready:", "    pass", LOWER),
        main("while not self.Ready:", "    pass"),
        "concurrently=[Drv.Main, Drv.Other]",
    ),
    one_thread(
        "R52", "recursive-lock-acquire", "taken twice", _MUTEX, (_OWN, _OWN), (_OWN, _LEAVE)
    ),
    one_thread(
        "R52",
        "irql-too-high",
        "taken above APC_LEVEL",
        _MUTEX,
        (RAISE, _OWN, _LEAVE, LOWER),
        ("KeRaiseIrql(APC_LEVEL, OldIrql)", _OWN, _LEAVE, LOWER),
    ),
    one_thread(
        "R52",
        "irql-too-high",
        "tried under a spin lock",
        _MUTEX + LOCK,
        (ACQUIRE, "if ExTryToAcquireFastMutex(self.Mutex):", f"    {_LEAVE}", RELEASE),
        (*TAKE_AND_GIVE, "if ExTryToAcquireFastMutex(self.Mutex):", f"    {_LEAVE}"),
    ),
    one_thread(
        "R53",
        "lock-held-at-return",
        "the cancel routine keeps it",
        "",
        ("IoAcquireCancelSpinLock(CancelIrql)",),
        ("IoAcquireCancelSpinLock(CancelIrql)", "IoReleaseCancelSpinLock(CancelIrql)"),
    ),
    one_thread(
        "R53",
        "irql-lowered-wrongly",
        "the cancel routine releases it with another level",
        "",
        ("IoAcquireCancelSpinLock(CancelIrql)", "IoReleaseCancelSpinLock(APC_LEVEL)"),
        ("IoAcquireCancelSpinLock(CancelIrql)", "IoReleaseCancelSpinLock(CancelIrql)"),
    ),
)

CASES = _LEVELS
