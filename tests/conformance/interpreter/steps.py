"""A step of a context: from one visible action to the next."""

from collections.abc import Iterator
from dataclasses import replace

from dirql.model.domain import Value
from dirql.model.routine import Call, Load, Return, Store
from dirql.model.scenario import Scenario, Thread

from . import dispatch, kernel
from .c_numbers import boolean, status
from .state import (
    DISPATCH,
    BrokenRuleError,
    Context,
    Dispatch,
    Draft,
    Frame,
    InDpc,
    InKernel,
    Run,
    World,
    argument_of,
    asserted,
    called,
    evaluate,
    local,
    returned,
    touch,
    whole,
)

_LONGEST_RUN = 400


def named(scenario: Scenario) -> list[tuple[str, str, Thread]]:
    """Name, phase and entry of every thread."""
    entries = [("start", scenario.start)] if scenario.start else []
    entries += [("concurrently", item) for item in scenario.concurrently]
    entries += [("last", scenario.finally_)] if scenario.finally_ else []
    used: dict[str, int] = {}
    found: list[tuple[str, str, Thread]] = []
    for phase, thread in entries:
        assert thread is not None
        count = used[thread.routine] = used.get(thread.routine, 0) + 1
        name = thread.routine if count == 1 else f"{thread.routine} {count}"
        found.append((name, phase, thread))
    return found


def begin_phase(world: World, draft: Draft, phase: str) -> None:
    """The threads of a phase become runnable."""
    for name, found, thread in named(world.scenario):
        if found == phase:
            run = replace(called(world, thread.routine, list(thread.arguments)), entered=True)
            windows = InKernel("Windows", "calls", (thread.routine, *thread.arguments, thread.irql))
            draft.contexts[name] = Context("running", (windows if thread.irql else run,))


# A step.


def act(
    world: World, draft: Draft, name: str, processor: str, *, acted: bool = False
) -> Iterator[Draft | str]:
    """One step of a context, with what touches only locals around it if the world is eager."""
    work = [(draft.copy(), acted, 0)]
    while work:
        here, acted, length = work.pop()
        frames = here.contexts[name].frames
        if not frames or length > _LONGEST_RUN:
            yield here
            continue
        inside = _is_local(world, frames[-1])
        if acted and not (inside and world.eager):
            yield here
            continue
        try:
            following = (
                _local(world, here, name, processor)
                if inside
                else _visible(world, here, name, processor)
            )
        except BrokenRuleError as broken:
            # What was done before is seen by others before the rule is broken.
            yield here if acted and inside else str(broken)
            continue
        for after in following:
            _settle(after, name, processor)
            work.append((after, acted or not inside or not world.eager, length + 1))


def _settle(draft: Draft, name: str, processor: str) -> None:
    """A context that was raised is on the stack of its processor; one that ended is not."""
    context = draft.contexts[name]
    stack = draft.stacks[processor]
    if not context.frames:
        draft.stacks[processor] = tuple(item for item in stack if item != name)
    elif context.irql >= DISPATCH and name not in stack:
        draft.stacks[processor] = (*stack, name)


def _is_local(world: World, top: Frame) -> bool:
    """Whether the next instruction touches nothing shared."""
    if not isinstance(top, Run):
        return False
    instruction = world.routines[top.routine].nodes[top.node].instruction
    if isinstance(instruction, Call):
        name = str(evaluate(instruction.routine, top))
        return name in world.routines and not world.is_device(name)
    return not isinstance(instruction, Load | Store)


def _local(world: World, draft: Draft, name: str, processor: str) -> list[Draft]:
    """An instruction that touches nothing shared."""
    context = draft.contexts[name]
    top = context.frames[-1]
    assert isinstance(top, Run)
    node = world.routines[top.routine].nodes[top.node]
    match node.instruction:
        case Return(value):
            return _return(world, draft, name, processor, evaluate(value, top))
        case Call(_, routine, arguments):
            given = [argument_of(world, item, top) for item in arguments]
            inner = called(world, str(evaluate(routine, top)), given)
            draft.contexts[name] = replace(context, frames=(*context.frames, inner))
            return [draft]
        case instruction:
            found: list[Draft] = []
            for run in local(top, instruction, node.following):
                after = draft.copy()
                after.contexts[name] = replace(context, frames=(*context.frames[:-1], run))
                found.append(after)
            return found


def _visible(world: World, draft: Draft, name: str, processor: str) -> list[Draft]:
    """A step that others can see; none while the context waits."""
    context = draft.contexts[name]
    top = context.frames[-1]
    before = draft.memory
    asserting = {item.object: asserted(world, before, item) for item in world.lines}
    draft.memory = dict(before)
    match top:
        case InKernel("Windows", stage):
            found = _windows(world, draft, name, top, stage)
        case InKernel():
            found = kernel.go_on(world, draft, name, processor)
        case Dispatch():
            found = dispatch.dispatch(world, draft, name, processor)
        case Run():
            found = _instruction(world, draft, name, processor, top)
        case InDpc():
            raise AssertionError(top)
    for after in found:
        dispatch.changed(world, after, before)
        for frame in after.contexts[name].frames:
            if isinstance(frame, Run) and frame.serves:
                device = dispatch.registration(after, frame.serves).device
                served = next(item for item in world.lines if item.object == device)
                quiet = not asserted(world, after.memory, served)
                if asserting[device] and quiet:
                    after.contexts[name] = replace(after.contexts[name], handled="served")
    return found


def _instruction(world: World, draft: Draft, name: str, processor: str, top: Run) -> list[Draft]:
    """A load, a store, a register access or the first step of a kernel routine."""
    context = draft.contexts[name]
    node = world.routines[top.routine].nodes[top.node]
    instruction = node.instruction
    if isinstance(instruction, Load | Store):
        memory, run = touch(world, draft.memory, top, instruction, node.following)
        draft.memory = memory
        draft.contexts[name] = replace(context, frames=(*context.frames[:-1], run))
        return [draft]
    assert isinstance(instruction, Call)
    routine = str(evaluate(instruction.routine, top))
    if routine == "NULL":
        raise BrokenRuleError("null-dereference")
    if not world.is_device(routine):
        return kernel.begin(world, draft, name, processor, top, node)
    given = [argument_of(world, item, top) for item in instruction.arguments]
    found: list[Draft] = []
    for memory, value in whole(world, draft.memory, called(world, routine, given)):
        after = draft.copy()
        after.memory = memory
        run = returned(instruction, top, value, node.following)
        after.contexts[name] = replace(context, frames=(*context.frames[:-1], run))
        found.append(after)
    return found


def _windows(world: World, draft: Draft, name: str, top: InKernel, stage: str) -> list[Draft]:
    """Windows calls a routine of a thread above PASSIVE_LEVEL, or has it back."""
    context = draft.contexts[name]
    if stage == "returns":
        draft.contexts[name] = Context("done")
        _after_thread(world, draft, name, top.memory[0])
        return [draft]
    routine, *arguments, irql = top.memory
    run = replace(called(world, str(routine), arguments), entered=True, irql=int(irql))
    frames = (replace(top, stage="returns"), run)
    draft.contexts[name] = replace(context, frames=frames, irql=int(irql))
    return [draft]


# Returning.


def _return(world: World, draft: Draft, name: str, processor: str, value: Value) -> list[Draft]:
    """Leave the routine on top."""
    context = draft.contexts[name]
    *below, top = context.frames
    assert isinstance(top, Run)
    if top.entered and context.held != top.held:
        raise BrokenRuleError("lock-held-at-return")
    if top.entered and context.irql != top.irql:
        raise BrokenRuleError("irql-not-restored")
    caller = below[-1] if below else None
    match caller:
        case None if " worker" in name:
            draft.contexts[name] = Context("waiting")
        case None:
            draft.contexts[name] = Context("done")
            _after_thread(world, draft, name, value)
        case Run():
            node = world.routines[caller.routine].nodes[caller.node]
            run = returned(node.instruction, caller, value, node.following)
            draft.contexts[name] = replace(context, frames=(*below[:-1], run))
        case InKernel("Windows"):
            frames = (*below[:-1], replace(caller, memory=(value,)))
            draft.contexts[name] = replace(context, frames=frames)
        case InKernel():
            memory = (*caller.memory[:-1], boolean(value))
            draft.contexts[name] = replace(
                context, frames=(*below[:-1], replace(caller, memory=memory))
            )
        case Dispatch():
            dispatch.answer(world, draft, name, top, value)
        case InDpc():
            draft.contexts[name] = Context("waiting")
            for key, awaited in list(draft.kernel.items()):
                if isinstance(awaited, frozenset):
                    draft.kernel[key] = awaited - {f"running {processor}"}
    return [draft]


def _after_thread(world: World, draft: Draft, name: str, value: Value) -> None:
    """Whom the end of a thread lets begin."""
    threads = named(world.scenario)
    phase = next(found for item, found, _ in threads if item == name)
    middle = [item for item, found, _ in threads if found == "concurrently"]
    if phase == "start":
        begin_phase(world, draft, "concurrently" if middle and status(value) >= 0 else "last")
    elif phase == "concurrently" and all(draft.contexts[item].status == "done" for item in middle):
        begin_phase(world, draft, "last")
