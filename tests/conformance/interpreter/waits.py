"""Dispatcher objects: events, timers, waits (rules 1.5, 6.5, 7.4)."""

from collections.abc import Callable

from .calling import SUCCESS, TIMEOUT, Begin, Calling
from .deferred import handed_to, join_queue
from .dispatch import level
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


def _read_state(call: Calling) -> list[Draft]:
    call.at_most(DISPATCH)
    name = str(call.arguments.get("Event", call.arguments.get("Timer")))
    return call.done(int(call.draft.flag(f"signalled {name}")))


def _delay(call: Calling) -> list[Draft]:
    call.require(call.context.irql <= APC, "wait-at-dispatch-level")
    return call.done(SUCCESS)


# Timers.


def _set_timer(call: Calling) -> list[Draft]:
    call.at_most(DISPATCH)
    timer, dpc = call.text("Timer"), call.text("Dpc")
    call.require(dpc == "NULL" or f"routine {dpc}" in call.draft.kernel, "uninitialized-object")
    if dpc != "NULL":
        handed_to(call, dpc, "a timer")
    was = call.draft.text(f"timer {timer}") != NONE
    periodic = bool(call.arguments.get("Period", 0))
    call.draft.kernel[f"timer {timer}"] = "periodic" if periodic else "armed"
    call.draft.kernel[f"dpc of {timer}"] = dpc
    call.draft.kernel[f"signalled {timer}"] = False
    if call.arguments["DueTime"] == 0:
        return call.stay("timer", "is due", timer, int(was))
    return call.done(int(was))


def _due_at_once(call: Calling, timer: str, was: int) -> list[Draft]:
    """The due time was over when the timer was set, or was not (7.4.9)."""
    found = call.copy().done(was)
    if call.draft.text(f"timer {timer}") == NONE:
        return found
    dpc = call.draft.text(f"dpc of {timer}")
    target = call.draft.text(f"target {dpc}")
    for each in _signalled(call.world, call.draft, timer):
        for after in _queued(
            each, dpc, [call.processor if target == NONE else target], ahead=False
        ):
            found += call.on(after).done(was)
    return found


def _cancel_timer(call: Calling) -> list[Draft]:
    call.at_most(DISPATCH)
    timer = call.text("Timer")
    was = call.draft.text(f"timer {timer}") != NONE
    call.draft.kernel[f"timer {timer}"] = NONE
    return call.done(int(was))


def expiries(world: World, draft: Draft) -> list[Draft]:
    """What armed timers may do where a processor is below DISPATCH_LEVEL (7.4.2, 7.4.8)."""
    able = [name for name in world.processors if level(draft, name) < DISPATCH]
    armed = [
        name.removeprefix("timer ")
        for name, value in draft.kernel.items()
        if name.startswith("timer ") and value != NONE and able
    ]
    found: list[Draft] = []
    for timer in armed:
        dpc = draft.text(f"dpc of {timer}")
        target = draft.text(f"target {dpc}")
        places = able if target == NONE else [target]
        for each in _signalled(world, draft, timer):
            found += _queued(each, dpc, places, ahead=True)
    return found


def _signalled(world: World, draft: Draft, timer: str) -> list[Draft]:
    """The timer leaves the timer queue unless it is periodic, and becomes signalled."""
    after = draft.copy()
    if after.text(f"timer {timer}") == "armed":
        after.kernel[f"timer {timer}"] = NONE
    signalled = after.flag(f"signalled {timer}")
    return [after] if signalled else signal(world, after, timer)


def _queued(draft: Draft, dpc: str, places: list[str], *, ahead: bool) -> list[Draft]:
    """The DPC is queued on one of the processors; `ahead`: maybe before all others (10.66)."""
    if dpc == "NULL" or draft.text(f"queued {dpc}") != NONE:
        return [draft]
    found: list[Draft] = []
    usual = draft.flag(f"urgent {dpc}")
    for processor in places:
        for at_head in {usual, True} if ahead else {usual}:
            after = draft.copy()
            join_queue(after, dpc, processor, at_head=at_head)
            after.kernel[f"arguments {dpc}"] = ("NULL", "NULL")
            found.append(after)
    return found


BEGIN: dict[str, Begin] = {
    "KeSetEvent": _set,
    "KeClearEvent": _clear,
    "KeResetEvent": _clear,
    "KeWaitForSingleObject": _wait,
    "KeDelayExecutionThread": _delay,
    "KeStallExecutionProcessor": Calling.done,
    "KeReadStateEvent": _read_state,
    "KeReadStateTimer": _read_state,
    "KeSetTimer": _set_timer,
    "KeSetTimerEx": _set_timer,
    "KeCancelTimer": _cancel_timer,
}

LATER: dict[str, Callable[..., list[Draft]]] = {
    "wait goes on": _go_on,
    "timer is due": _due_at_once,
}
