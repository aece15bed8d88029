"""DPCs: queues and flushes (rules 7.1 to 7.3)."""

from collections.abc import Callable

from .calling import Begin, Calling
from .state import NONE, PASSIVE, Draft


def _initialize_dpc(call: Calling) -> list[Draft]:
    entry = (call.text("DeferredRoutine"), call.arguments["DeferredContext"])
    call.draft.kernel[f"routine {call.text('Dpc')}"] = entry
    return call.done()


def _insert(call: Calling) -> list[Draft]:
    dpc = call.text("Dpc")
    call.require(f"routine {dpc}" in call.draft.kernel, "uninitialized-object")
    free = call.draft.text(f"queued {dpc}") == NONE
    if free:
        call.draft.kernel[f"queued {dpc}"] = call.processor
        passed = (call.arguments["SystemArgument1"], call.arguments["SystemArgument2"])
        call.draft.kernel[f"arguments {dpc}"] = passed
    call.change(handled=True)
    return call.done(int(free))


def _remove(call: Calling) -> list[Draft]:
    dpc = call.text("Dpc")
    queued = call.draft.text(f"queued {dpc}") != NONE
    call.draft.kernel[f"queued {dpc}"] = NONE
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


BEGIN: dict[str, Begin] = {
    "KeInitializeDpc": _initialize_dpc,
    "KeInsertQueueDpc": _insert,
    "KeRemoveQueueDpc": _remove,
    "KeFlushQueuedDpcs": _flush,
}

LATER: dict[str, Callable[..., list[Draft]]] = {"KeFlushQueuedDpcs waits": _flushed}
