"""Interrupts: lines, acceptance, chains, end of interrupt (rules 4.1 to 4.3)."""

from dataclasses import replace
from typing import NamedTuple

from dirql.model.domain import Value
from dirql.model.driver import Device

from .c_numbers import boolean
from .state import (
    NONE,
    BrokenRuleError,
    Context,
    Dispatch,
    Draft,
    Run,
    World,
    asserted,
    called,
    whole,
)

LIVE = ("allocated", "connected", "inactive", "disconnecting")


class Registration(NamedTuple):
    """What a connect call registered."""

    device: str
    routine: str
    context: Value
    lock: str
    irql: int


def registration(draft: Draft, item: str) -> Registration:
    """The registration behind an interrupt object."""
    found = draft.kernel[f"registration {item}"]
    assert isinstance(found, tuple)
    device, routine, context, lock, irql = found
    return Registration(str(device), str(routine), context, str(lock), int(irql))


def chain(world: World, draft: Draft, device: Device) -> list[str]:
    """The interrupt objects of a line in order of connecting; the foreign driver is `foreign`."""
    assert device.line is not None
    own = [
        name.removeprefix("registration ")
        for name in draft.kernel
        if name.startswith("registration ")
        and registration(draft, name.removeprefix("registration ")).device == device.object
    ]
    if not device.line.shared:
        return own
    first = world.knob("chain_order") == "foreign_first"
    return ["foreign", *own] if first else [*own, "foreign"]


def slot_of(device: str, processor: str) -> str:
    """The name of a dispatch slot."""
    return f"{device} interrupt@{processor}"


def serving(draft: Draft, world: World, slot: str) -> str:
    """The interrupt object that a dispatch slot is busy with, or empty."""
    frames = draft.contexts[slot].frames
    if not frames or not isinstance(frames[0], Dispatch) or frames[0].stage in ("next", "end"):
        return ""
    device = next(item for item in world.lines if item.object == slot.partition(" ")[0])
    return chain(world, draft, device)[frames[0].position]


# What the wire does.


def changed(world: World, draft: Draft, before: dict[str, Value]) -> None:
    """Edges and quiet lines that follow from what a step did to the devices."""
    for device in world.lines:
        assert device.line is not None
        old, new = asserted(world, before, device), asserted(world, draft.memory, device)
        if device.line.latched and new and not old and _listening(world, draft, device):
            draft.kernel[f"pending {device.object}"] = True
        if not new:
            for processor in world.processors:
                draft.kernel[f"asserting {device.object} {processor}"] = False


def _listening(world: World, draft: Draft, device: Device) -> bool:
    """Whether an edge is remembered: something is connected to the line (10.36)."""
    assert device.line is not None
    return device.line.shared or any(
        draft.text(f"state {item}") == "connected" for item in chain(world, draft, device)
    )


def _high(world: World, draft: Draft, device: Device) -> bool:
    """What the wire of a level line shows."""
    own = asserted(world, draft.memory, device)
    return own or draft.flag(f"foreign {device.object}")


def hardware(world: World, draft: Draft) -> list[Draft | str]:
    """What the devices may do at any time."""
    found: list[Draft | str] = []
    for device in world.program.devices:
        for event in device.events:
            try:
                for memory, _ in whole(world, draft.memory, called(world, event, [])):
                    after = draft.copy()
                    after.memory = memory
                    changed(world, after, draft.memory)
                    found.append(after)
            except BrokenRuleError as broken:
                found.append(str(broken))
    for device in world.lines:
        if device.line is not None and device.line.shared:
            after = draft.copy()
            if not draft.flag(f"foreign {device.object}"):
                after.kernel[f"foreign {device.object}"] = True
                if device.line.latched:
                    after.kernel[f"pending {device.object}"] = True
                found.append(after)
    return found


# Dispatch.


def level(draft: Draft, processor: str) -> int:
    """The IRQL of a processor."""
    return max((draft.contexts[name].irql for name in draft.stacks[processor]), default=0)


def accept(world: World, draft: Draft, device: Device, processor: str) -> list[Draft | str]:
    """A processor accepts the interrupt of a line, if it may, or for nothing (4.5.1)."""
    assert device.line is not None
    slot = slot_of(device.object, processor)
    if draft.contexts[slot].frames or level(draft, processor) >= device.line.irql:
        return []
    latched = device.line.latched
    others = (slot_of(device.object, other) for other in world.processors)
    elsewhere = any(draft.contexts[other].frames for other in others)
    asked = draft.flag(f"pending {device.object}") if latched else _high(world, draft, device)
    first = _next_entry(world, draft, device, 0)
    if first is None or (elsewhere and not (latched and asked)):
        return []  # a level line is in service once (4.3.6), and a call for nothing waits
    if not asked and not _for_nothing(world, device):
        return []
    after = draft.copy()
    after.stacks[processor] = (*after.stacks[processor], slot)
    if latched:
        after.kernel[f"pending {device.object}"] = False
    own = asked and asserted(world, draft.memory, device)
    after.kernel[f"asserting {device.object} {processor}"] = own
    _go(after, slot, device, first, claimed=False, world=world)
    return [after]


def _for_nothing(world: World, device: Device) -> bool:
    """Whether the service routine of the line is called although nothing asks (4.5.1).

    On a shared line the neighbour asks for itself; where a disconnect does not wait, a call for
    nothing is explored only if the knob insists.
    """
    assert device.line is not None
    answer = world.knob("spurious_calls")
    if device.line.shared or world.knob("disconnect_waits_for_isr") != "yes":
        return answer == "yes"
    return answer in ("yes", "either")


def _next_entry(world: World, draft: Draft, device: Device, position: int) -> int | None:
    """The first entry of the chain from `position` on that is called now."""
    entries = chain(world, draft, device)
    for index in range(position, len(entries)):
        if entries[index] == "foreign" or draft.text(f"state {entries[index]}") == "connected":
            return index
    return None


def _go(
    draft: Draft, slot: str, device: Device, position: int, *, claimed: bool, world: World
) -> None:
    """The dispatch goes to an entry: the level rises to what that entry synchronises at."""
    assert device.line is not None
    entry = chain(world, draft, device)[position]
    irql = device.line.irql if entry == "foreign" else registration(draft, entry).irql
    stage = "foreign" if entry == "foreign" else "take"
    frames = (Dispatch(stage, position, claimed),)
    draft.contexts[slot] = Context("running", frames, irql)


def dispatch(world: World, draft: Draft, slot: str, processor: str) -> list[Draft]:
    """One step of a dispatch in progress; nothing while it spins."""
    top = draft.contexts[slot].frames[-1]
    assert isinstance(top, Dispatch)
    device = next(item for item in world.lines if item.object == slot.partition(" ")[0])
    match top.stage:
        case "take":
            return _take(world, draft, slot, device, top)
        case "declined":
            if draft.flag(f"asserting {device.object} {processor}"):
                world.survived.add("handled-but-unclaimed")
            context = draft.contexts[slot]
            draft.contexts[slot] = replace(context, frames=(replace(top, stage="released"),))
            return [draft]
        case "released":
            return _released(world, draft, slot, device, top)
        case "foreign":
            return _foreign(world, draft, slot, device, top)
        case "next":
            return _next(world, draft, slot, device, top)
        case _:
            return _end(world, draft, slot, device, processor)


def _take(world: World, draft: Draft, slot: str, device: Device, top: Dispatch) -> list[Draft]:
    """Spin for the interrupt lock, then call the service routine."""
    entry = chain(world, draft, device)[top.position]
    found = registration(draft, entry)
    if draft.text(f"owner {found.lock}") != NONE:
        return []
    context = draft.contexts[slot]
    held = (*context.held, (found.lock, "dispatch", context.irql, entry))
    routine = called(world, found.routine, [entry, found.context])
    run = replace(routine, entered=True, irql=context.irql, held=held, serves=entry)
    draft.kernel[f"owner {found.lock}"] = slot
    draft.contexts[slot] = replace(context, frames=(top, run), held=held, handled="")
    return [draft]


def _released(world: World, draft: Draft, slot: str, device: Device, top: Dispatch) -> list[Draft]:
    """Release the lock after the service routine; `claimed` is its answer here."""
    assert device.line is not None
    entry = chain(world, draft, device)[top.position]
    draft.kernel[f"owner {registration(draft, entry).lock}"] = NONE
    context = draft.contexts[slot]
    draft.contexts[slot] = replace(context, irql=device.line.irql, held=())
    earlier = draft.flag(f"claimed before {slot}")
    draft.kernel[f"claimed before {slot}"] = False
    return _answered(world, draft, slot, device, top, claims=top.claimed, earlier=earlier)


def _answered(
    world: World,
    draft: Draft,
    slot: str,
    device: Device,
    top: Dispatch,
    *,
    claims: bool,
    earlier: bool,
) -> list[Draft]:
    """Go on as the answer of an entry and the mode of the line demand."""
    assert device.line is not None
    walked_on = device.line.latched and world.knob("latched_chain") != "stop_at_true"
    stop = claims and not walked_on
    entries = chain(world, draft, device)
    if stop or top.position + 1 >= len(entries):
        following = Dispatch("end", top.position, claims or earlier)
    else:
        stage = "foreign" if entries[top.position + 1] == "foreign" else "next"
        following = Dispatch(stage, top.position + 1, claims or earlier)
    context = draft.contexts[slot]
    draft.contexts[slot] = replace(context, frames=(following,))
    return [draft]


def _foreign(world: World, draft: Draft, slot: str, device: Device, top: Dispatch) -> list[Draft]:
    """The foreign driver's service routine: quiets its device and claims, or declines."""
    claims = draft.flag(f"foreign {device.object}")
    draft.kernel[f"foreign {device.object}"] = False
    return _answered(world, draft, slot, device, top, claims=claims, earlier=top.claimed)


def _next(world: World, draft: Draft, slot: str, device: Device, top: Dispatch) -> list[Draft]:
    """Find the next entry."""
    found = _next_entry(world, draft, device, top.position)
    if found is None:
        context = draft.contexts[slot]
        draft.contexts[slot] = replace(context, frames=(replace(top, stage="end"),))
    else:
        _go(draft, slot, device, found, claimed=top.claimed, world=world)
    return [draft]


def _end(world: World, draft: Draft, slot: str, device: Device, processor: str) -> list[Draft]:
    """End of interrupt: a latched chain may go round, a level line still asserted fires again.

    That is at once, or later: then the dispatch is over, and the line is accepted like any other.
    """
    assert device.line is not None
    top = draft.contexts[slot].frames[-1]
    assert isinstance(top, Dispatch)
    flag = f"asserting {device.object} {processor}"
    first = _next_entry(world, draft, device, 0)
    if device.line.latched:
        again = top.claimed and len(chain(world, draft, device)) > 1
        again = again and world.knob("latched_chain") == "repeat_until_clean"
    else:
        if not top.claimed and draft.flag(flag):
            raise BrokenRuleError("unclaimed-level-interrupt")
        again = _high(world, draft, device)
    found: list[Draft] = []
    if again and first is not None:
        round_again = draft.copy()
        round_again.kernel[flag] = asserted(world, draft.memory, device)
        _go(round_again, slot, device, first, claimed=False, world=world)
        found = [round_again]
        if device.line.latched:
            return found
    draft.kernel[flag] = False
    draft.contexts[slot] = Context("waiting")
    draft.stacks[processor] = tuple(x for x in draft.stacks[processor] if x != slot)
    return [*found, draft]


def answer(world: World, draft: Draft, slot: str, run: Run, value: Value) -> None:
    """The service routine has returned: note its answer, and what it owes its neighbours."""
    context = draft.contexts[slot]
    top = context.frames[0]
    assert isinstance(top, Dispatch)
    claims = boolean(value) != 0
    shared = draft.flag(f"shared {registration(draft, run.serves).device}")
    stage = "released"
    if context.handled and shared and not claims:
        # Work queued is no service where the device did not ask all along: that is looked at next.
        stage = "declined" if context.handled == "queued" else stage
        if context.handled == "served":
            world.survived.add("handled-but-unclaimed")
    draft.kernel[f"claimed before {slot}"] = top.claimed
    released = replace(top, stage=stage, claimed=claims)
    draft.contexts[slot] = replace(context, frames=(released,), handled="")
