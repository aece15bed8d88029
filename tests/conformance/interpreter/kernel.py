"""Kernel routines, written from windows-rules.md."""

from collections.abc import Callable

from dirql.model.domain import Enumeration, Value
from dirql.model.kernel import ROUTINES
from dirql.model.kernel.signature import Passing
from dirql.model.routine import Call, Node

from . import deferred, interrupts
from .calling import SUCCESS, TIMEOUT, Begin, Calling
from .state import APC, DISPATCH, Draft, InKernel, Run, World, argument_of, fitted


def begin(
    world: World, draft: Draft, name: str, processor: str, run: Run, node: Node
) -> list[Draft]:
    """The first step of a kernel routine."""
    instruction = node.instruction
    assert isinstance(instruction, Call)
    routine = str(getattr(instruction.routine, "value", ""))
    signature = next(item for item in ROUTINES if item.name == routine)
    names = [item.name for item in signature.parameters if item.passing is not Passing.OUT]
    given = [argument_of(world, item, run) for item in instruction.arguments]
    arguments = dict(zip(names, given, strict=True))
    call = Calling(world, draft, name, processor, arguments)
    if routine.startswith("Interlocked"):
        return _interlocked(call, routine)
    return BEGIN[routine](call)


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
        same = operation == "Exchange" or old == call.arguments["Comparand"]
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
        call.require(new >= DISPATCH or not call.context.held, "irql-lowered-below-lock")
        call.require(call.context.raised[-1:] == (new,), "irql-lowered-wrongly")
        call.change(irql=new, raised=call.context.raised[:-1])
    return call.done()


# Spin locks.


def _initialize_lock(call: Calling) -> list[Draft]:
    return call.done()


def _acquire(call: Calling) -> list[Draft]:
    call.at_most(DISPATCH)
    old = call.context.irql
    if old < DISPATCH:
        call.change(irql=DISPATCH)
        return call.stay("KeAcquireSpinLock", "spins", call.text("SpinLock"), old)
    return _spin(call, call.text("SpinLock"), old)


def _spin(call: Calling, lock: Value, old: Value) -> list[Draft]:
    taken = call.take(str(lock), "KeAcquireSpinLock", int(old))
    return call.done(old) if taken else []


def _acquire_at_dpc(call: Calling) -> list[Draft]:
    call.require(call.context.irql >= DISPATCH, "irql-too-low")
    taken = call.take(call.text("SpinLock"), "AtDpcLevel", call.context.irql)
    return call.done() if taken else []


def _release(call: Calling) -> list[Draft]:
    lock, new = call.text("SpinLock"), call.number("NewIrql")
    held = next((item for item in call.context.held if item[0] == lock), None)
    call.require(held is not None, "release-of-unowned-lock")
    assert held is not None
    ours = held[1] == "KeAcquireSpinLock"
    call.require(not ours or held[2] == new, "irql-lowered-wrongly")
    call.at_most(DISPATCH)
    call.require(call.context.irql == DISPATCH, "irql-too-low")
    call.require(ours, "mixed-lock-routines")
    call.drop(lock, new)
    return call.done()


def _release_from_dpc(call: Calling) -> list[Draft]:
    lock = call.text("SpinLock")
    held = next((item for item in call.context.held if item[0] == lock), None)
    call.require(held is not None, "release-of-unowned-lock")
    call.require(held is not None and held[1] == "AtDpcLevel", "mixed-lock-routines")
    call.drop(lock, call.context.irql)
    return call.done()


# Events.


def _set(*, value: bool) -> Begin:
    def step(call: Calling) -> list[Draft]:
        call.at_most(DISPATCH)
        name = f"signalled {call.text('Event')}"
        old = call.draft.flag(name)
        call.draft.kernel[name] = value
        return call.done(int(old))

    return step


def _wait(call: Calling) -> list[Draft]:
    name = call.text("Object")
    timeout = call.arguments["Timeout"]
    if timeout == 0:
        call.at_most(DISPATCH)
        satisfied = call.draft.flag(f"signalled {name}")
        return _satisfied(call, name) if satisfied else call.done(TIMEOUT)
    call.require(call.context.irql <= APC, "wait-at-dispatch-level")
    found: list[Draft] = []
    if timeout != "NULL":
        found += call.copy().done(TIMEOUT)
    if call.draft.flag(f"signalled {name}"):
        found += _satisfied(call, name)
    return found


def _satisfied(call: Calling, name: str) -> list[Draft]:
    if call.world.fields[f"{name}.type"].initial[0] == 1:
        call.draft.kernel[f"signalled {name}"] = False
    return call.done(SUCCESS)


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
    "KeSetEvent": _set(value=True),
    "KeClearEvent": _set(value=False),
    "KeResetEvent": _set(value=False),
    "KeWaitForSingleObject": _wait,
    **deferred.BEGIN,
    **interrupts.BEGIN,
}

LATER: dict[str, Callable[..., list[Draft]]] = {
    "KeAcquireSpinLock spins": _spin,
    **deferred.LATER,
    **interrupts.LATER,
}
