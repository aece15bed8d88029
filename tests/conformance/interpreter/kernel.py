"""Kernel routines, written from docs/windows-rules.md."""

from collections.abc import Callable

from dirql.model.domain import Enumeration, Range, Value
from dirql.model.kernel import ROUTINES
from dirql.model.kernel.signature import Passing
from dirql.model.routine import Call, Node

from . import deferred, interrupts, locks, waits
from .c_numbers import in_field
from .calling import MUTEX, Begin, Calling
from .state import (
    APC,
    DISPATCH,
    FREED,
    LOCAL_STRUCTURE,
    NONE,
    PASSIVE,
    Draft,
    InKernel,
    Run,
    World,
    argument_of,
    fitted,
)

CANCEL = "cancel spin lock"


def begin(
    world: World, draft: Draft, name: str, processor: str, run: Run, node: Node
) -> list[Draft]:
    """The first step of a kernel routine."""
    instruction = node.instruction
    assert isinstance(instruction, Call)
    routine = str(getattr(instruction.routine, "value", ""))
    if routine.startswith(LOCAL_STRUCTURE):
        template = str(argument_of(world, instruction.arguments[0], run))
        return _local_structure(Calling(world, draft, name, processor, {}), routine, template)
    signature = next(item for item in ROUTINES if item.name == routine)
    taken = [item for item in signature.parameters if item.passing is not Passing.OUT]
    names = [each.name for item in taken for each in (item.members or (item,))]
    given = [argument_of(world, item, run) for item in instruction.arguments]
    arguments = dict(zip(names, given, strict=True))
    call = Calling(world, draft, name, processor, arguments, instruction.target is None)
    if routine.startswith("Interlocked"):
        return _interlocked(call, routine)
    return BEGIN[routine](call)


def _local_structure(call: Calling, routine: str, template: str) -> list[Draft]:
    """A structure on the stack begins, with the first values of its fields, or ends."""
    name, memory = f"{call.name}.{template}", call.draft.memory
    begins = routine.endswith("begins")
    if begins:
        call.require(name not in memory.values(), "model-bound")
    for item in call.world.program.objects:
        for declared in item.fields if item.name == template else ():
            memory[f"{name}.{declared.name}"] = declared.initial[0]
    memory[f"{FREED} {name}"] = not begins
    return call.done(name if begins else 0)


def go_on(world: World, draft: Draft, name: str, processor: str) -> list[Draft]:
    """A later step of the kernel routine on top; nothing while it waits."""
    top = draft.contexts[name].frames[-1]
    assert isinstance(top, InKernel)
    call = Calling(world, draft, name, processor, {})
    return LATER[f"{top.routine} {top.stage}"](call, *top.memory)


# Interlocked operations.


def _interlocked(call: Calling, routine: str) -> list[Draft]:
    variable = str(call.arguments.get("Target", call.arguments.get("Destination"))).removeprefix(
        "&"
    )
    old = call.draft.memory[variable]
    declared = call.world.fields[variable.partition("[")[0]]
    operation = routine.removeprefix("Interlocked").removesuffix("Pointer")
    if isinstance(declared.domain, Enumeration) or operation in ("Exchange", "CompareExchange"):
        new = call.arguments.get("Value", call.arguments.get("ExChange", 0))
        comparand = call.arguments.get("Comparand", 0)
        if isinstance(declared.domain, Range):
            comparand = in_field(int(comparand), declared.domain)
        same = operation == "Exchange" or old == comparand
        call.draft.memory[variable] = fitted(declared, new if same else old)
        return call.done(old)
    value = int(call.arguments.get("Value", 1))
    number = int(old)
    new = {
        "Increment": number + 1,
        "Decrement": number - 1,
        "Add": number + value,
        "ExchangeAdd": number + value,
        "Or": number | value,
        "And": number & value,
        "Xor": number ^ value,
    }[operation]
    stored = fitted(declared, new)
    call.draft.memory[variable] = stored
    gives_new = operation in ("Increment", "Decrement", "Add")
    return call.done(stored if gives_new else old)


# Levels.


def _raise(call: Calling) -> list[Draft]:
    new, old = call.arguments.get("NewIrql", DISPATCH), call.context.irql
    call.require(int(new) >= old, "irql-raised-downwards")
    if int(new) > old:
        call.change(raised=(*call.context.raised, old))
    call.change(irql=int(new))
    return call.done(old)


def _lower(call: Calling) -> list[Draft]:
    new = call.number("NewIrql")
    if new != call.context.irql:
        spins = any(item[1] != MUTEX for item in call.context.held)
        lowest = DISPATCH if spins else APC if call.context.held else PASSIVE
        call.require(new >= lowest, "irql-lowered-below-lock")
        call.require(call.context.raised[-1:] == (new,), "irql-lowered-wrongly")
        call.change(irql=new, raised=call.context.raised[:-1])
    return call.done()


# Spin locks.


def _initialize_lock(call: Calling) -> list[Draft]:
    return call.done()


def _raise_and_take(call: Calling, lock: str, routine: str) -> list[Draft]:
    call.at_most(DISPATCH)
    old = call.context.irql
    if old < DISPATCH:
        call.change(irql=DISPATCH)
        return call.stay("lock", "spins", lock, routine, old)
    return _spin(call, lock, routine, old)


def _spin(call: Calling, lock: Value, routine: Value, old: Value) -> list[Draft]:
    taken = call.take(str(lock), str(routine), int(old))
    return call.done(old) if taken else []


def _acquire(call: Calling) -> list[Draft]:
    return _raise_and_take(call, call.text("SpinLock"), "KeAcquireSpinLock")


def _acquire_cancel(call: Calling) -> list[Draft]:
    return _raise_and_take(call, CANCEL, "IoAcquireCancelSpinLock")


def _acquire_at_dpc(call: Calling) -> list[Draft]:
    call.require(call.context.irql >= DISPATCH, "irql-too-low")
    taken = call.take(call.text("SpinLock"), "AtDpcLevel", call.context.irql)
    return call.done() if taken else []


def _try(call: Calling) -> list[Draft]:
    call.require(call.context.irql >= DISPATCH, "irql-too-low")
    lock = call.text("SpinLock")
    if call.draft.text(f"owner {lock}") != NONE:
        return call.done(0)
    call.take(lock, "AtDpcLevel", call.context.irql)
    return call.done(1)


def _release_and_lower(call: Calling, lock: str, routine: str, new: int) -> list[Draft]:
    held = next((item for item in call.context.held if item[0] == lock), None)
    call.require(held is not None, "release-of-unowned-lock")
    assert held is not None
    ours = held[1] == routine
    call.note(ours, "mixed-lock-routines")
    if ours and _exchanged(call, held, new):
        return call.done()
    call.require(not ours or held[2] == new, "irql-lowered-wrongly")
    if ours or new != call.context.irql:
        call.at_most(DISPATCH)
        call.require(call.context.irql == DISPATCH, "irql-too-low")
    if not ours and new != call.context.irql:
        call.require(call.context.raised[-1:] == (new,), "irql-lowered-wrongly")
        call.change(raised=call.context.raised[:-1])
    elif not ours:
        _stay_raised(call, held)
    call.in_order(lock, new)
    call.drop(lock, new)
    return call.done()


def _stay_raised(call: Calling, held: tuple[str, str, int, str]) -> None:
    """The lock goes, and the caller stays raised: the way down is not forgotten with it."""
    if held[2] < call.context.irql:
        call.change(raised=(*call.context.raised, held[2]))


def _exchanged(call: Calling, held: tuple[str, str, int, str], new: int) -> bool:
    """Release with the level that another lock saved, if the way down is still known after it."""
    irql, raised = call.context.irql, call.context.raised
    if irql != DISPATCH or held[2] == new:
        return False
    if new == irql and any(item[2] == new for item in call.context.held if item != held):
        _stay_raised(call, held)
    elif held[2] == irql and raised[-1:] == (new,):
        call.change(raised=raised[:-1])
    else:
        return False
    call.note(condition=False, rule="release-out-of-order")
    call.in_order(held[0], new)
    call.drop(held[0], new)
    return True


def _release(call: Calling) -> list[Draft]:
    new = call.number("NewIrql")
    return _release_and_lower(call, call.text("SpinLock"), "KeAcquireSpinLock", new)


def _release_cancel(call: Calling) -> list[Draft]:
    return _release_and_lower(call, CANCEL, "IoAcquireCancelSpinLock", call.number("Irql"))


def _release_from_dpc(call: Calling) -> list[Draft]:
    lock = call.text("SpinLock")
    held = next((item for item in call.context.held if item[0] == lock), None)
    call.require(held is not None, "release-of-unowned-lock")
    assert held is not None
    call.note(held[1] == "AtDpcLevel", "mixed-lock-routines")
    if held[1] != "AtDpcLevel":
        _stay_raised(call, held)
    call.in_order(lock, call.context.irql)
    call.drop(lock, call.context.irql)
    return call.done()


def _free(call: Calling) -> list[Draft]:
    name = call.text("P")
    call.require(name != "NULL", "null-dereference")
    call.require(not call.world.on_stack(name), "double-free")
    call.at_most(DISPATCH)
    call.require(not call.draft.memory.get(f"{FREED} {name}"), "double-free")
    call.draft.memory[f"{FREED} {name}"] = True
    return call.done()


BEGIN: dict[str, Begin] = {
    "KeRaiseIrql": _raise,
    "KeRaiseIrqlToDpcLevel": _raise,
    "KeLowerIrql": _lower,
    "KeInitializeSpinLock": _initialize_lock,
    "KeAcquireSpinLock": _acquire,
    "KeAcquireSpinLockRaiseToDpc": _acquire,
    "KeAcquireSpinLockAtDpcLevel": _acquire_at_dpc,
    "KeReleaseSpinLock": _release,
    "KeReleaseSpinLockFromDpcLevel": _release_from_dpc,
    "KeTryToAcquireSpinLockAtDpcLevel": _try,
    "IoAcquireCancelSpinLock": _acquire_cancel,
    "IoReleaseCancelSpinLock": _release_cancel,
    "ExFreePool": _free,
    **locks.BEGIN,
    **waits.BEGIN,
    **deferred.BEGIN,
    **interrupts.BEGIN,
}

LATER: dict[str, Callable[..., list[Draft]]] = {
    "lock spins": _spin,
    **locks.LATER,
    **waits.LATER,
    **deferred.LATER,
    **interrupts.LATER,
}
