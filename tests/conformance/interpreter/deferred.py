"""DPCs: queues and flushes (rules 7.1 to 7.3)."""

from collections.abc import Callable

from dirql.model.domain import Value

from .calling import Begin, Calling
from .state import DISPATCH, NONE, PASSIVE, Draft, Run


def queue_of(draft: Draft, processor: str) -> tuple[Value, ...]:
    """The DPCs in the queue of a processor, the first first (7.1.8)."""
    found = draft.kernel.get(f"queue {processor}", ())
    assert isinstance(found, tuple)
    return found


def join_queue(draft: Draft, dpc: str, processor: str, *, at_head: bool) -> None:
    """The DPC is queued on the processor."""
    draft.kernel[f"queued {dpc}"] = processor
    waiting = queue_of(draft, processor)
    draft.kernel[f"queue {processor}"] = (dpc, *waiting) if at_head else (*waiting, dpc)


def leave_queue(draft: Draft, dpc: str) -> None:
    """The DPC leaves whatever queue it is in; the others keep their order."""
    processor = draft.text(f"queued {dpc}")
    if processor != NONE:
        waiting = queue_of(draft, processor)
        draft.kernel[f"queue {processor}"] = tuple(item for item in waiting if item != dpc)
    draft.kernel[f"queued {dpc}"] = NONE


def _initialize_dpc(call: Calling) -> list[Draft]:
    entry = (call.text("DeferredRoutine"), call.arguments["DeferredContext"])
    dpc = call.text("Dpc")
    call.require(call.draft.text(f"queued {dpc}") == NONE, "free-while-queued")
    call.draft.kernel[f"routine {dpc}"] = entry
    call.draft.kernel[f"urgent {dpc}"] = False
    call.draft.kernel[f"target {dpc}"] = NONE
    for source in ("calls", "a timer"):
        call.draft.kernel[f"{dpc} was given to {source}"] = False
    return call.done()


def handed_to(call: Calling, dpc: str, source: str) -> None:
    """One KDPC is not given to both KeInsertQueueDpc and a timer (7.4.5)."""
    other = "calls" if source == "a timer" else "a timer"
    call.note(not call.draft.flag(f"{dpc} was given to {other}"), "dpc-argument-lost")
    call.draft.kernel[f"{dpc} was given to {source}"] = True


def _insert(call: Calling) -> list[Draft]:
    dpc = call.text("Dpc")
    call.require(f"routine {dpc}" in call.draft.kernel, "uninitialized-object")
    handed_to(call, dpc, "calls")
    free = call.draft.text(f"queued {dpc}") == NONE
    passed = (call.arguments["SystemArgument1"], call.arguments["SystemArgument2"])
    if call.ignored and not free:
        call.note(call.draft.kernel[f"arguments {dpc}"] == passed, "dpc-argument-lost")
    if free:
        target = call.draft.text(f"target {dpc}")
        processor = call.processor if target == NONE else target
        join_queue(call.draft, dpc, processor, at_head=call.draft.flag(f"urgent {dpc}"))
        call.draft.kernel[f"arguments {dpc}"] = passed
    call.change(handled=call.context.handled or "queued")
    return call.done(int(free))


def _remove(call: Calling) -> list[Draft]:
    dpc = call.text("Dpc")
    queued = call.draft.text(f"queued {dpc}") != NONE
    leave_queue(call.draft, dpc)
    for name, awaited in list(call.draft.kernel.items()):
        if name.startswith("flush ") and isinstance(awaited, frozenset):
            call.draft.kernel[name] = awaited - {f"queued {dpc}"}
    return call.done(int(queued))


def _flush(call: Calling) -> list[Draft]:
    call.at_most(PASSIVE)
    queued = {
        name
        for name, value in call.draft.kernel.items()
        if name.startswith("queued ") and value != NONE
    }
    running = {
        f"running {processor}"
        for processor in call.world.processors
        if call.draft.contexts[f"DPC@{processor}"].frames
    }
    call.draft.kernel[f"flush {call.name}"] = frozenset(queued | running)
    return call.stay("KeFlushQueuedDpcs", "waits")


def _flushed(call: Calling) -> list[Draft]:
    return [] if call.draft.kernel.get(f"flush {call.name}") else call.done()


def _target(call: Calling) -> list[Draft]:
    number = min(call.number("Number"), len(call.world.processors) - 1)
    call.draft.kernel[f"target {call.text('Dpc')}"] = call.world.processors[number]
    return call.done()


def _importance(call: Calling) -> list[Draft]:
    call.draft.kernel[f"urgent {call.text('Dpc')}"] = call.number("Importance") == 2
    return call.done()


# Work items.


def _queue(call: Calling) -> list[Draft]:
    call.at_most(DISPATCH)
    item = call.text("IoWorkItem")
    call.require(call.draft.text(f"work {item}") == NONE, "work-item-queued-twice")
    call.draft.kernel[f"work {item}"] = "queued"
    call.draft.kernel[f"worker of {item}"] = (call.text("WorkerRoutine"), call.arguments["Context"])
    call.change(handled=call.context.handled or "queued")
    return call.done()


def workers(draft: Draft) -> list[tuple[str, str, Run]]:
    """(context, work item, routine) for every work item that a system thread can begin (7.5.3)."""
    found: list[tuple[str, str, Run]] = []
    for name, value in draft.kernel.items():
        if not name.startswith("work ") or value != "queued":
            continue
        item = name.removeprefix("work ")
        idle = [
            context
            for context in (f"{item} worker", f"{item} worker 2")
            if not draft.contexts[context].frames
        ]
        if idle:
            entry = draft.kernel[f"worker of {item}"]
            assert isinstance(entry, tuple)
            found.append((idle[0], item, Run(str(entry[0]), 0, (("Context", entry[1]),))))
    return found


BEGIN: dict[str, Begin] = {
    "KeInitializeDpc": _initialize_dpc,
    "KeInsertQueueDpc": _insert,
    "KeRemoveQueueDpc": _remove,
    "KeFlushQueuedDpcs": _flush,
    "KeSetTargetProcessorDpc": _target,
    "KeSetImportanceDpc": _importance,
    "IoQueueWorkItem": _queue,
}

LATER: dict[str, Callable[..., list[Draft]]] = {"KeFlushQueuedDpcs waits": _flushed}
