"""The schedule: who may take a step where, and everything that can be reached."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import product
from typing import TypeAlias

from dirql.model.domain import Value
from dirql.model.driver import Program
from dirql.model.scenario import Scenario

from . import deferred, dispatch, waits
from .state import (
    DISPATCH,
    FREED,
    LOCAL_STRUCTURE,
    NONE,
    Context,
    Draft,
    InDpc,
    State,
    World,
    called,
    thaw,
)
from .steps import act, begin_phase, named


class TooLargeError(Exception):
    """There are more states than the search was allowed."""


View: TypeAlias = frozenset[tuple[str, Value]]
"""What a state shows whatever its program counters are called: memory, where every context runs and
at which level, who owns each lock, which DPCs are queued, how far each interrupt object is."""


@dataclass(slots=True)
class Explored:
    """What a search found: what can be seen, what steps make of it, which rules can be broken."""

    views: set[View] = field(default_factory=set[View])
    changes: set[tuple[View, View]] = field(default_factory=set[tuple[View, View]])
    broken: set[str] = field(default_factory=set[str])
    states: int = 0


def explore(
    program: Program, scenario: Scenario, processors: int, *, eager: bool = True, most: int = 20_000
) -> Explored:
    """Everything the driver can reach; a behaviour ends where it breaks a rule and Windows stops.

    Raises:
        TooLargeError: there are more than `most` states.
    """
    world = World(program, scenario, tuple(f"P{n}" for n in range(processors)), eager)
    found = Explored()
    known = {draft.frozen() for draft in _first(world)}
    work = list(known)
    while work:
        state = work.pop()
        before = _view(world, state)
        found.views.add(before)
        for after in _steps(world, state):
            if isinstance(after, str):
                found.broken.add(after)
                continue
            following = after.frozen()
            found.changes.add((before, _view(world, following)))
            if following not in known:
                known.add(following)
                work.append(following)
        if len(known) > most:
            raise TooLargeError
    found.states = len(known)
    found.broken |= world.survived
    return found


def _view(world: World, state: State) -> View:
    """What a state shows; what is as it was in the beginning is left out."""
    shown = [
        item
        for item in state.memory
        if not item[0].startswith(FREED) and not world.on_stack(item[0].rpartition(".")[0])
    ]
    for name, context in state.contexts:
        if context.irql:
            shown.append((f"level of {name}", context.irql))
    shown += [(f"place of {name}", where) for where, stack in state.stacks for name in stack]
    for name, value in state.kernel:
        kind, _, rest = name.partition(" ")
        if kind in ("owner", "queued", "state", "timer", "work") and isinstance(value, str):
            shown.append((name if kind != "owner" else f"owner of {rest}", value))
    return frozenset(shown)


# The beginning.


def _first(world: World) -> Iterator[Draft]:
    """The initial states."""
    places: list[tuple[str, tuple[int | str, ...]]] = []
    kernel: dict[str, Value | frozenset[str] | tuple[Value, ...]] = {}
    for item in world.program.objects:
        if item.type in ("KEVENT", "KTIMER"):
            signalled = world.fields.get(f"{item.name}.signalled")
            kernel[f"signalled {item.name}"] = bool(signalled and signalled.initial[0])
            continue
        for declared in item.fields if item.type != LOCAL_STRUCTURE else ():
            name = f"{item.name}.{declared.name}"
            names = [f"{name}[{i}]" for i in range(declared.count)] if declared.count else [name]
            places += [(each, declared.initial) for each in names]
    for device in world.lines:
        assert device.line is not None
        kernel[f"shared {device.object}"] = device.line.shared
    contexts = {name: Context("waiting") for name, _, _ in named(world.scenario)}
    for item in world.program.objects:
        if item.type == "IO_WORKITEM":
            contexts[f"{item.name} worker"] = contexts[f"{item.name} worker 2"] = Context("waiting")
    for processor in world.processors:
        contexts[f"DPC@{processor}"] = Context("waiting")
        for device in world.lines:
            slot = dispatch.slot_of(device.object, processor)
            contexts[slot] = Context("waiting")
    stacks: dict[str, tuple[str, ...]] = dict.fromkeys(world.processors, ())
    unused = _stacks(world, list(contexts))
    for values in product(*(initial for _, initial in places)):
        memory = dict(zip((name for name, _ in places), values, strict=True))
        memory.update(unused)
        draft = Draft(memory, dict(kernel), dict(contexts), dict(stacks))
        phase = "start" if world.scenario.start else "concurrently"
        begin_phase(world, draft, phase)
        yield draft


def _stacks(world: World, contexts: list[str]) -> dict[str, Value]:
    """What is on the stacks before anybody runs: structures that do not exist yet."""
    found: dict[str, Value] = {}
    for item in world.program.objects:
        for context in contexts if item.type == LOCAL_STRUCTURE else ():
            name = f"{context}.{item.name}"
            found[f"{FREED} {name}"] = True
            found.update({f"{name}.{one.name}": one.initial[0] for one in item.fields})
    return found


# Who may move.


def _steps(world: World, state: State) -> Iterator[Draft | str]:
    """Every step from a state."""
    draft = thaw(state)
    yield from dispatch.hardware(world, draft)
    yield from waits.expiries(world, draft)
    for processor in world.processors:
        yield from _dequeue(world, draft, processor)
        for device in world.lines:
            yield from dispatch.accept(world, draft, device, processor)
    for name, item, run in deferred.workers(draft):
        for processor in _places(world, draft, name):
            after = draft.copy()
            after.kernel[f"work {item}"] = NONE
            values = [*dict(run.values).values(), item]
            entered = called(world, run.routine, ["NULL", *values])
            after.contexts[name] = Context("running", (replace(entered, entered=True),))
            yield from act(world, after, name, processor, acted=True)
    for name, context in draft.contexts.items():
        if context.status != "running":
            continue
        for processor in _places(world, draft, name):
            if name in draft.stacks[processor] and context.irql < DISPATCH:
                after = draft.copy()
                after.stacks[processor] = ()
                yield after
            else:
                yield from act(world, draft, name, processor)


def _queued(draft: Draft, processor: str) -> list[str]:
    """The DPCs in the queue of a processor, in their order."""
    return [str(item) for item in deferred.queue_of(draft, processor)]


def _due(world: World, draft: Draft, processor: str) -> list[str]:
    """The queued DPCs that nothing below DISPATCH_LEVEL may overtake.

    Those that nobody ever targeted or made low.
    """
    return [dpc for dpc in _queued(draft, processor) if dpc not in world.patient]


def _places(world: World, draft: Draft, name: str) -> list[str]:
    """The processors on which a running context can take its next step."""
    pinned = [item for item in world.processors if name in draft.stacks[item]]
    if pinned:
        raised = draft.contexts[name].irql >= DISPATCH
        top = draft.stacks[pinned[0]][-1] == name
        return pinned if top and (raised or not _due(world, draft, pinned[0])) else []
    return [
        item for item in world.processors if not draft.stacks[item] and not _due(world, draft, item)
    ]


def _dequeue(world: World, draft: Draft, processor: str) -> Iterator[Draft | str]:
    """A processor below DISPATCH_LEVEL takes a DPC out of its queue (7.1.5, 7.1.7)."""
    slot = f"DPC@{processor}"
    if dispatch.level(draft, processor) >= DISPATCH:
        return
    for dpc in _queued(draft, processor)[:1]:
        after = draft.copy()
        deferred.leave_queue(after, dpc)
        for name, awaited in list(after.kernel.items()):
            if isinstance(awaited, frozenset) and f"queued {dpc}" in awaited:
                running = awaited - {f"queued {dpc}"} | {f"running {processor}"}
                after.kernel[name] = running
        entry, passed = after.kernel[f"routine {dpc}"], after.kernel[f"arguments {dpc}"]
        assert isinstance(entry, tuple)
        assert isinstance(passed, tuple)
        run = called(world, str(entry[0]), [dpc, entry[1], *passed])
        run = replace(run, entered=True, irql=DISPATCH)
        after.contexts[slot] = Context("running", (InDpc(), run), DISPATCH)
        after.stacks[processor] = (*after.stacks[processor], slot)
        yield from act(world, after, slot, processor, acted=True)
