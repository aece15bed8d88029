"""Queued spin locks, fast mutexes, remove locks, the lock of ExInterlocked (6.2, 6.3, 6.5, 6.6)."""

from collections.abc import Callable

from dirql.model.domain import Value

from .calling import MUTEX, SUCCESS, Begin, Calling
from .state import APC, DISPATCH, NONE, PASSIVE, Draft, fitted

QUEUED, QUEUED_AT_DPC = "KeAcquireInStackQueuedSpinLock", "queued AtDpcLevel"
DELETE_PENDING = 0xC0000056 - (1 << 32)


def _held(call: Calling, lock: str) -> tuple[str, str, int, str] | None:
    return next((item for item in call.context.held if item[0] == lock), None)


def _acquire_queued(call: Calling) -> list[Draft]:
    call.at_most(DISPATCH)
    lock, old = call.text("SpinLock"), call.context.irql
    if old == DISPATCH:
        return call.done(lock) if call.take(lock, QUEUED, old) else []
    call.change(irql=DISPATCH)
    return call.stay("queued lock", "spins", lock, old)


def _spin(call: Calling, lock: Value, old: Value) -> list[Draft]:
    return call.done(lock) if call.take(str(lock), QUEUED, int(old)) else []


def _acquire_queued_at_dpc(call: Calling) -> list[Draft]:
    call.require(call.context.irql >= DISPATCH, "irql-too-low")
    lock = call.text("SpinLock")
    return call.done(lock) if call.take(lock, QUEUED_AT_DPC, call.context.irql) else []


def _release_queued(call: Calling) -> list[Draft]:
    lock = call.text("LockHandle")
    held = _held(call, lock)
    call.require(held is not None, "release-of-unowned-lock")
    assert held is not None
    call.require(held[1] == QUEUED, "mixed-lock-routines")
    call.at_most(DISPATCH)
    call.require(call.context.irql == DISPATCH, "irql-too-low")
    call.in_order(lock, held[2])
    call.drop(lock, held[2])
    return call.done()


def _release_queued_from_dpc(call: Calling) -> list[Draft]:
    lock = call.text("LockHandle")
    held = _held(call, lock)
    call.require(held is not None, "release-of-unowned-lock")
    assert held is not None
    call.require(held[1] == QUEUED_AT_DPC, "mixed-lock-routines")
    call.in_order(lock, call.context.irql)
    call.drop(lock, call.context.irql)
    return call.done()


def _test(call: Calling) -> list[Draft]:
    return call.done(int(call.draft.text(f"owner {call.text('SpinLock')}") == NONE))


def _add_under_lock(call: Calling) -> list[Draft]:
    lock = call.text("Lock")
    call.require(all(item[0] != lock for item in call.context.held), "recursive-lock-acquire")
    if call.draft.text(f"owner {lock}") != NONE:
        return []
    variable = call.text("Target").removeprefix("&")
    old = int(call.draft.memory[variable])
    declared = call.world.fields[variable.partition("[")[0]]
    call.draft.memory[variable] = fitted(declared, old + call.number("Value"))
    return call.done(old)


def _read(call: Calling) -> list[Draft]:
    return call.done(call.draft.memory[call.text("Target").removeprefix("&")])


def _write(call: Calling) -> list[Draft]:
    variable = call.text("Target").removeprefix("&")
    declared = call.world.fields[variable.partition("[")[0]]
    call.draft.memory[variable] = fitted(declared, call.arguments["Value"])
    return call.done()


# Fast mutexes.


def _own(call: Calling) -> list[Draft]:
    call.at_most(APC)
    old = call.context.irql
    if not call.take(call.text("FastMutex"), MUTEX, old):
        return []
    call.change(irql=APC)
    return call.done()


def _try_to_own(call: Calling) -> list[Draft]:
    call.at_most(APC)
    mutex, old = call.text("FastMutex"), call.context.irql
    if call.draft.text(f"owner {mutex}") != NONE:
        return call.done(0)
    call.take(mutex, MUTEX, old)
    call.change(irql=APC)
    return call.done(1)


def _disown(call: Calling) -> list[Draft]:
    mutex = call.text("FastMutex")
    held = _held(call, mutex)
    call.require(held is not None, "release-of-unowned-lock")
    assert held is not None
    call.at_most(APC)
    call.require(call.context.irql == APC, "irql-too-low")
    call.in_order(mutex, held[2])
    call.drop(mutex, held[2])
    return call.done()


# Remove locks.


def _acquisitions(call: Calling, lock: str) -> int:
    return int(call.draft.kernel.get(f"acquired {lock}", 0))  # type: ignore[arg-type]


def _prepare(call: Calling) -> list[Draft]:
    lock = call.text("RemoveLock")
    call.at_most(PASSIVE)
    call.require(not call.draft.flag(f"ready {lock}"), "uninitialized-object")
    call.draft.kernel[f"ready {lock}"] = True
    return call.done()


def _keep(call: Calling) -> list[Draft]:
    call.at_most(DISPATCH)
    lock = call.text("RemoveLock")
    if call.draft.flag(f"removed {lock}"):
        return call.done(DELETE_PENDING)
    call.draft.kernel[f"acquired {lock}"] = _acquisitions(call, lock) + 1
    return call.done(SUCCESS)


def _give_back(call: Calling) -> None:
    lock = call.text("RemoveLock")
    call.require(_acquisitions(call, lock) > 0, "release-of-unowned-lock")
    call.draft.kernel[f"acquired {lock}"] = _acquisitions(call, lock) - 1


def _let_go(call: Calling) -> list[Draft]:
    call.at_most(DISPATCH)
    _give_back(call)
    return call.done()


def _let_go_and_wait(call: Calling) -> list[Draft]:
    call.at_most(PASSIVE)
    lock = call.text("RemoveLock")
    call.require(not call.draft.flag(f"removed {lock}"), "release-of-unowned-lock")
    _give_back(call)
    call.draft.kernel[f"removed {lock}"] = True
    return call.stay("remove lock", "waits", lock)


def _all_gone(call: Calling, lock: Value) -> list[Draft]:
    return [] if _acquisitions(call, str(lock)) else call.done()


BEGIN: dict[str, Begin] = {
    "KeAcquireInStackQueuedSpinLock": _acquire_queued,
    "KeAcquireInStackQueuedSpinLockAtDpcLevel": _acquire_queued_at_dpc,
    "KeReleaseInStackQueuedSpinLock": _release_queued,
    "KeReleaseInStackQueuedSpinLockFromDpcLevel": _release_queued_from_dpc,
    "KeTestSpinLock": _test,
    "ExInterlockedAddUlong": _add_under_lock,
    "ReadNoFence": _read,
    "ReadAcquire": _read,
    "WriteNoFence": _write,
    "WriteRelease": _write,
    "ExAcquireFastMutex": _own,
    "ExTryToAcquireFastMutex": _try_to_own,
    "ExReleaseFastMutex": _disown,
    "IoInitializeRemoveLock": _prepare,
    "IoAcquireRemoveLock": _keep,
    "IoReleaseRemoveLock": _let_go,
    "IoReleaseRemoveLockAndWait": _let_go_and_wait,
}

LATER: dict[str, Callable[..., list[Draft]]] = {
    "queued lock spins": _spin,
    "remove lock waits": _all_gone,
}
