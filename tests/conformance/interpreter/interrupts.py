"""Interrupt objects: connect, disconnect, synchronise (rules 2, 3 and 6.1)."""

from collections.abc import Callable
from dataclasses import replace

from dirql.model.domain import Value

from .calling import (
    FROM_RESOURCE,
    INSUFFICIENT_RESOURCES,
    INVALID_PARAMETER,
    SUCCESS,
    Begin,
    Calling,
)
from .dispatch import LIVE, registration, serving, slot_of
from .state import NONE, PASSIVE, Draft, called


def _connect(call: Calling) -> list[Draft]:
    call.at_most(PASSIVE)
    vector = call.number("Vector")
    wired = call.world.lines
    device = next(
        item
        for item in wired
        if item.line is not None and vector in (FROM_RESOURCE, item.line.vector)
    )
    assert device.line is not None
    routine = call.text("ServiceRoutine")
    name = f"{routine} interrupt"
    lock = call.text("SpinLock")
    irql = call.number("SynchronizeIrql")
    may_fail = call.world.knob("connect_may_fail") == "yes"
    found: list[Draft] = call.copy().done(INSUFFICIENT_RESOURCES) if may_fail else []
    state = call.draft.text(f"state {name}")
    call.require(state == NONE, "model-bound")
    others = [
        item.removeprefix("registration ")
        for item in call.draft.kernel
        if item.startswith("registration ")
        and registration(call.draft, item.removeprefix("registration ")).device == device.object
    ]
    if not device.line.shared and any(call.draft.text(f"state {x}") in LIVE for x in others):
        return found + call.done(INVALID_PARAMETER)
    call.draft.kernel[f"registration {name}"] = (
        device.object,
        routine,
        call.arguments["ServiceContext"],
        f"lock of {name}" if lock == "NULL" else lock,
        device.line.irql if irql == FROM_RESOURCE else irql,
    )
    pointer = call.text("InterruptObject").removeprefix("&")
    if call.world.knob("isr_before_connect_returns") == "no":
        return found + call.stay("IoConnectInterrupt", "does both", pointer, name)
    stored_first = call.world.knob("out_pointer_before_arm")
    if stored_first != "yes":
        first = call.copy()
        first.draft.kernel[f"state {name}"] = "connected"
        found += first.stay("IoConnectInterrupt", "stores", pointer, name)
    if stored_first != "no":
        call.draft.kernel[f"state {name}"] = "allocated"
        found += call.stay("IoConnectInterrupt", "stores and arms", pointer, name)
    return found


def _do_both(call: Calling, pointer: Value, name: Value) -> list[Draft]:
    call.draft.kernel[f"state {name}"] = "connected"
    return _store_pointer(call, pointer, name)


def _connect_ex(call: Calling) -> list[Draft]:
    """The fully specified form, which says what the legacy one does (2.5)."""
    prefix = "FullySpecified."
    call.arguments = {
        name.removeprefix(prefix): value
        for name, value in call.arguments.items()
        if name.startswith(prefix)
    }
    return _connect(call)


def _disconnect_ex(call: Calling) -> list[Draft]:
    call.arguments = {"InterruptObject": call.arguments["ConnectionContext.InterruptObject"]}
    return _disconnect(call)


def _store_pointer(call: Calling, pointer: Value, name: Value) -> list[Draft]:
    _overwrite(call, str(pointer), str(name))
    return call.done(SUCCESS)


def _overwrite(call: Calling, pointer: str, name: str) -> None:
    old = call.draft.memory[pointer]
    live = old != "NULL" and call.draft.text(f"state {old}") in LIVE
    call.note(old == name or not live, "connect-overwrites-live-interrupt")
    call.draft.memory[pointer] = name


def _store_then_arm(call: Calling, pointer: Value, name: Value) -> list[Draft]:
    _overwrite(call, str(pointer), str(name))
    return call.stay("IoConnectInterrupt", "arms", name)


def _arm(call: Calling, name: Value) -> list[Draft]:
    call.draft.kernel[f"state {name}"] = "connected"
    return call.done(SUCCESS)


def _disconnect(call: Calling) -> list[Draft]:
    name = call.text("InterruptObject")
    call.require(name != "NULL", "disconnect-of-dead-interrupt")
    call.at_most(PASSIVE)
    alive = call.draft.text(f"state {name}") in ("connected", "inactive")
    call.require(alive, "disconnect-of-dead-interrupt")
    call.draft.kernel[f"state {name}"] = "disconnecting"
    return call.stay("IoDisconnectInterrupt", "frees", name)


def _free(call: Calling, name: Value) -> list[Draft]:
    device = registration(call.draft, str(name)).device
    slots = [slot_of(device, processor) for processor in call.world.processors]
    if any(serving(call.draft, call.world, slot) == name for slot in slots):
        return []
    call.draft.kernel[f"state {name}"] = "disconnected"
    return call.done()


def _synchronize(call: Calling) -> list[Draft]:
    name = call.text("Interrupt")
    call.require(name != "NULL", "synchronize-on-dead-interrupt")
    call.require(call.draft.text(f"state {name}") in LIVE, "synchronize-on-dead-interrupt")
    found = registration(call.draft, name)
    call.at_most(found.irql)
    old = call.context.irql
    call.change(irql=found.irql)
    routine, context = call.text("SynchronizeRoutine"), call.arguments["SynchronizeContext"]
    return call.stay("KeSynchronizeExecution", "spins", name, routine, context, old)


def _acquire(call: Calling) -> list[Draft]:
    name = call.text("Interrupt")
    call.require(name != "NULL", "synchronize-on-dead-interrupt")
    call.require(call.draft.text(f"state {name}") in LIVE, "synchronize-on-dead-interrupt")
    found = registration(call.draft, name)
    call.at_most(found.irql)
    old = call.context.irql
    call.change(irql=found.irql)
    return call.stay("KeAcquireInterruptSpinLock", "spins", name, old)


def _acquired(call: Calling, name: Value, old: Value) -> list[Draft]:
    found = registration(call.draft, str(name))
    call.require(call.draft.text(f"state {name}") in LIVE, "synchronize-on-dead-interrupt")
    taken = call.take(found.lock, "KeAcquireInterruptSpinLock", int(old), str(name))
    return call.done(old) if taken else []


def _release(call: Calling) -> list[Draft]:
    name, new = call.text("Interrupt"), call.number("OldIrql")
    call.require(name != "NULL", "synchronize-on-dead-interrupt")
    lock = (
        registration(call.draft, name).lock if f"registration {name}" in call.draft.kernel else ""
    )
    held = next((item for item in call.context.held if item[0] == lock), None)
    call.require(held is not None, "release-of-unowned-lock")
    assert held is not None
    mine = held[1] == "KeAcquireInterruptSpinLock" and held[3] == name
    call.note(mine, "mixed-lock-routines")
    call.require(call.draft.text(f"state {name}") in LIVE, "synchronize-on-dead-interrupt")
    call.require(held[2] == new, "irql-lowered-wrongly")
    call.require(call.context.irql == call.taken_at(held), "irql-too-high")
    call.in_order(lock, new)
    call.drop(lock, new)
    return call.done()


def _synchronized(
    call: Calling, name: Value, routine: Value, context: Value, old: Value
) -> list[Draft]:
    found = registration(call.draft, str(name))
    if not call.take(found.lock, "KeSynchronizeExecution", int(old), str(name)):
        return []
    call.require(call.draft.text(f"state {name}") in LIVE, "synchronize-on-dead-interrupt")
    run = replace(
        called(call.world, str(routine), [context]),
        entered=True,
        irql=call.context.irql,
        held=call.context.held,
    )
    call.stay("KeSynchronizeExecution", "releases", name, old, 0)
    call.change(frames=(*call.context.frames, run))
    return [call.draft]


def _released(call: Calling, name: Value, old: Value, answer: Value) -> list[Draft]:
    found = registration(call.draft, str(name))
    call.require(call.draft.text(f"state {name}") in LIVE, "synchronize-on-dead-interrupt")
    call.drop(found.lock, int(old))
    return call.done(answer)


BEGIN: dict[str, Begin] = {
    "IoConnectInterrupt": _connect,
    "IoConnectInterruptEx": _connect_ex,
    "IoDisconnectInterrupt": _disconnect,
    "IoDisconnectInterruptEx": _disconnect_ex,
    "KeSynchronizeExecution": _synchronize,
    "KeAcquireInterruptSpinLock": _acquire,
    "KeReleaseInterruptSpinLock": _release,
}

LATER: dict[str, Callable[..., list[Draft]]] = {
    "IoConnectInterrupt stores": _store_pointer,
    "IoConnectInterrupt stores and arms": _store_then_arm,
    "IoConnectInterrupt arms": _arm,
    "IoConnectInterrupt does both": _do_both,
    "IoDisconnectInterrupt frees": _free,
    "KeSynchronizeExecution spins": _synchronized,
    "KeAcquireInterruptSpinLock spins": _acquired,
    "KeSynchronizeExecution releases": _released,
}
