"""Waiting for dispatcher objects, and spending time (rules 1.5)."""

from dataclasses import replace

from ..algebra import disjunction, negation
from ..expr import FALSE, TRUE, Constant, Expression
from ..machine import Check, ContextKind
from ..routine import NULL
from .c_types import BOOLEAN, CCHAR, LONG, PLARGE_INTEGER, ULONG, ZERO_TIME
from .constants import STATUS_ALERTED, STATUS_SUCCESS, STATUS_TIMEOUT, STATUS_USER_APC
from .events import clears_itself, initialized, signalled, waitable, waiting
from .levels import APC_LEVEL, DISPATCH_LEVEL, bad_address, level_name
from .locks import in_memory
from .rule import KernelCall, KernelRoutine, Micro, Outcome, Step
from .signature import Parameter
from .world import World

_INFINITE = Constant(NULL)


def _may_block(call: KernelCall, at_dispatch: str) -> tuple[Check, ...]:
    """Waiting for more than an instant needs IRQL at or below APC_LEVEL (1.5.2, 1.5.3, R49).

    `at_dispatch` is the Verifier code for a thread at DISPATCH_LEVEL.
    """
    if call.irql <= APC_LEVEL:
        return ()
    code = "0x120" if call.irql > DISPATCH_LEVEL else at_dispatch
    crash = f"0xC4 DRIVER_VERIFIER_DETECTED_VIOLATION ({code})"
    if call.kind is ContextKind.DPC:
        crash = "0xB8 ATTEMPTED_SWITCH_FROM_DPC"
    detail = f"{call.routine} can block, and is called at {level_name(call.irql)}"
    return (Check("wait-at-dispatch-level", FALSE, detail, crash),)


def _ends_early(
    call: KernelCall,
    guard: tuple[Expression, ...],
    updates: tuple[tuple[str, Expression], ...],
) -> list[Outcome]:
    """How an alertable or user-mode wait can be interrupted (1.5.4); nobody owes it."""
    found: list[Outcome] = []
    if call.number("Alertable"):
        alerted = f"{call.routine} is alerted"
        found.append(
            Outcome(guard, updates, Constant(STATUS_ALERTED), name=alerted, spontaneous=True)
        )
    if call.number("WaitMode"):
        apc = f"{call.routine} is interrupted by a user APC"
        found.append(Outcome(guard, updates, Constant(STATUS_USER_APC), name=apc, spontaneous=True))
    return found


def ke_wait_for_single_object(call: KernelCall, world: World) -> tuple[Micro, ...]:
    """Wait until the object is signalled, or a time has passed.

    Windows: with a timeout of zero at or below DISPATCH_LEVEL, never blocks (1.5.1); otherwise at
        or below APC_LEVEL (1.5.2). Timeout is an address: NULL, or 0 in its place, waits without
        end. A synchronization object is cleared by the wait it satisfies (6.5.2). An alertable or
        user-mode wait can end early, also with a success status (1.5.4).
    Model: the wait begins in one step, or is over in it; from then on whoever signals the object
        ends it. Times are not counted: a timed wait may end either way at any moment.
    """
    name = waitable(call, world, "Object", "KEVENT", "KTIMER")
    timeout = call.arguments["Timeout"]
    flag = signalled(world, name)
    clear = ((flag.variable, FALSE),) if clears_itself(world, name) else ()
    satisfied = Outcome((flag,), clear, result=Constant(STATUS_SUCCESS))
    ready = initialized(call, world, name)
    if timeout == Constant(ZERO_TIME):
        late = Outcome((negation(flag),), result=Constant(STATUS_TIMEOUT))
        checks = call.at_most(DISPATCH_LEVEL, "0xC4 DRIVER_VERIFIER_DETECTED_VIOLATION (0x120)")
        return (Step(call.routine, "1.5.1", (satisfied, late), (*checks, *ready)),)
    world.facts.add("waiter", name, call.context)
    waits = waiting(world, call.context, name)
    over = ((waits.variable, FALSE),)
    ends = [Outcome((negation(waits),), result=Constant(STATUS_SUCCESS))]
    if timeout != _INFINITE:
        late_name = f"{call.routine} times out"
        ends.append(Outcome((waits,), over, result=Constant(STATUS_TIMEOUT), name=late_name))
    ends += _ends_early(call, (waits,), over)
    wait = Step(
        f"{call.routine} waits for {name}",
        "1.5.2",
        tuple(ends),
        _still_there(call, world, name, waits),
        waits_on=name,
    )
    begins = Outcome((negation(flag),), ((waits.variable, TRUE),), then=(wait,))
    checks = _may_block(call, "0x121" if timeout == _INFINITE else "0x122")
    return (Step(call.routine, "1.5.2", (satisfied, begins), (*checks, *ready)),)


def _still_there(call: KernelCall, world: World, name: str, waits: Expression) -> tuple[Check, ...]:
    """A wait that ends although nothing has satisfied it takes itself off the object's list.

    Model: so the object must still be in memory; where the wait was satisfied, nobody touches it.
    """
    return tuple(
        replace(item, condition=disjunction(negation(waits), item.condition))
        for item in in_memory(call, world, name, call.irql)
    )


def ke_delay_execution_thread(call: KernelCall, _world: World) -> tuple[Micro, ...]:
    """Sleep for a while.

    Windows: at or below APC_LEVEL (1.5.6); alertable or in user mode it can end early (1.5.4).
    Model: one step; everything else may happen before it. NULL is no interval.
    """
    if call.arguments["Interval"] == Constant(NULL):
        crash = bad_address(call.irql, in_kernel=True)
        return (call.broken("null-dereference", f"{call.routine} is given no Interval", crash),)
    outcomes = (Outcome(result=Constant(STATUS_SUCCESS)), *_ends_early(call, (), ()))
    return (Step(call.routine, "1.5.6", outcomes, _may_block(call, "0x3B")),)


def ke_stall_execution_processor(call: KernelCall, _world: World) -> tuple[Micro, ...]:
    """Burn time on the processor.

    Windows: at any IRQL, for less than 50 microseconds (1.5.6).
    Model: one step; times are not counted.
    """
    return (Step(call.routine, "1.5.6"),)


ROUTINES = (
    KernelRoutine(
        "KeWaitForSingleObject",
        (
            Parameter("Object"),
            Parameter("WaitReason", type=LONG, default=0),
            Parameter("WaitMode", type=CCHAR, default=0),
            Parameter("Alertable", type=BOOLEAN, default=0),
            Parameter("Timeout", default="NULL", type=PLARGE_INTEGER),
        ),
        ke_wait_for_single_object,
        "1.5.2",
    ),
    KernelRoutine(
        "KeDelayExecutionThread",
        (
            Parameter("WaitMode", type=CCHAR, default=0),
            Parameter("Alertable", type=BOOLEAN, default=0),
            Parameter("Interval", default=1, type=PLARGE_INTEGER),
        ),
        ke_delay_execution_thread,
        "1.5.6",
    ),
    KernelRoutine(
        "KeStallExecutionProcessor",
        (Parameter("MicroSeconds", type=ULONG, default=1),),
        ke_stall_execution_processor,
        "1.5.6",
    ),
)
