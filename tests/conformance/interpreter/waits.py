"""Dispatcher objects: events, timers, waits (rules 1.5, 6.5, 7.4)."""

from collections.abc import Callable

from .calling import SUCCESS, TIMEOUT, Begin, Calling
from .state import APC, DISPATCH, NONE, Draft, World

ZERO = "LARGE_INTEGER(0)"


def _clears_itself(world: World, name: str) -> bool:
    """Whether a satisfied wait resets the object."""
    declared = world.fields.get(f"{name}.type")
    return declared is not None and declared.initial[0] == 1


def signal(world: World, draft: Draft, name: str) -> list[Draft]:
    """Every way in which signalling an object, which is not signalled, can go (6.5.2)."""
    waiting = [context for context in draft.contexts if draft.flag(f"waits {context} for {name}")]
    if not _clears_itself(world, name):
        draft.kernel[f"signalled {name}"] = True
        for context in waiting:
            draft.kernel[f"waits {context} for {name}"] = False
        return [draft]
    found: list[Draft] = []
    for context in waiting:
        after = draft.copy()
        after.kernel[f"waits {context} for {name}"] = False
        found.append(after)
    if not waiting:
        draft.kernel[f"signalled {name}"] = True
    return found or [draft]


def _set(call: Calling) -> list[Draft]:
    call.at_most(DISPATCH)
    name = call.text("Event")
    if call.draft.flag(f"signalled {name}"):
        return call.done(1)
    return [call.on(draft).done(0)[0] for draft in signal(call.world, call.draft, name)]


def _clear(call: Calling) -> list[Draft]:
    call.at_most(DISPATCH)
    name = f"signalled {call.text('Event')}"
    old = call.draft.flag(name)
    call.draft.kernel[name] = False
    return call.done(int(old))


def _wait(call: Calling) -> list[Draft]:
    name = call.text("Object")
    timeout = call.arguments["Timeout"] or "NULL"  # 0 for an address is NULL
    if timeout == ZERO:
        call.at_most(DISPATCH)
    else:
        call.require(call.context.irql <= APC, "wait-at-dispatch-level")
    if call.draft.flag(f"signalled {name}"):
        if _clears_itself(call.world, name):
            call.draft.kernel[f"signalled {name}"] = False
        return call.done(SUCCESS)
    if timeout == ZERO:
        return call.done(TIMEOUT)
    call.draft.kernel[f"waits {call.name} for {name}"] = True
    return call.stay("wait", "goes on", name, timeout != "NULL")


def _go_on(call: Calling, name: str, timed: int) -> list[Draft]:
    waits = f"waits {call.name} for {name}"
    if not call.draft.flag(waits):
        return call.done(SUCCESS)
    if not timed:
        return []
    call.draft.kernel[waits] = False
    return call.done(TIMEOUT)


# Timers.


def _set_timer(call: Calling) -> list[Draft]:
    call.at_most(DISPATCH)
    timer, dpc = call.text("Timer"), call.text("Dpc")
    call.require(dpc == "NULL" or f"routine {dpc}" in call.draft.kernel, "uninitialized-object")
    was = call.draft.text(f"timer {timer}") != NONE
    periodic = bool(call.arguments.get("Period", 0))
    call.draft.kernel[f"timer {timer}"] = "periodic" if periodic else "armed"
    call.draft.kernel[f"dpc of {timer}"] = dpc
    call.draft.kernel[f"signalled {timer}"] = False
    return call.done(int(was))


def _cancel_timer(call: Calling) -> list[Draft]:
    call.at_most(DISPATCH)
    timer = call.text("Timer")
    was = call.draft.text(f"timer {timer}") != NONE
    call.draft.kernel[f"timer {timer}"] = NONE
    return call.done(int(was))


def expiries(world: World, draft: Draft) -> list[Draft]:
    """What armed timers may do at any time (7.4.2)."""
    found: list[Draft] = []
    armed = [
        name.removeprefix("timer ")
        for name, value in draft.kernel.items()
        if name.startswith("timer ") and value != NONE
    ]
    for timer in armed:
        after = draft.copy()
        if after.text(f"timer {timer}") == "armed":
            after.kernel[f"timer {timer}"] = NONE
        signalled = after.flag(f"signalled {timer}")
        for each in [after] if signalled else signal(world, after, timer):
            found += _queued(world, each, draft.text(f"dpc of {timer}"))
    return found


def _queued(world: World, draft: Draft, dpc: str) -> list[Draft]:
    if dpc == "NULL" or draft.text(f"queued {dpc}") != NONE:
        return [draft]
    found: list[Draft] = []
    target = draft.text(f"target {dpc}")
    for processor in world.processors if target == NONE else (target,):
        after = draft.copy()
        after.kernel[f"queued {dpc}"] = processor
        after.kernel[f"arguments {dpc}"] = ("NULL", "NULL")
        found.append(after)
    return found


BEGIN: dict[str, Begin] = {
    "KeSetEvent": _set,
    "KeClearEvent": _clear,
    "KeResetEvent": _clear,
    "KeWaitForSingleObject": _wait,
    "KeSetTimer": _set_timer,
    "KeSetTimerEx": _set_timer,
    "KeCancelTimer": _cancel_timer,
}

LATER: dict[str, Callable[..., list[Draft]]] = {"wait goes on": _go_on}
