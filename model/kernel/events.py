"""Events and waits (rules 1.5 and 6.5)."""

from ..algebra import negation
from ..expr import FALSE, Constant, Expression, Read
from ..machine import Check, ContextKind
from .constants import STATUS_SUCCESS, STATUS_TIMEOUT
from .levels import APC_LEVEL, DISPATCH_LEVEL, level_name
from .rule import KernelCall, KernelRoutine, Micro, Outcome, RuleError, Step
from .signature import Parameter
from .world import World

_INFINITE = "NULL"


def signalled(world: World, name: str) -> Read:
    """Whether the event (or timer) is signalled."""
    declared = world.field(name, "signalled")
    initial = bool(declared and declared.initial[0])
    return world.flag(f"{name} signalled", initial=initial)


def _clears_itself(world: World, name: str) -> bool:
    """Whether a satisfied wait resets the object: synchronization events and timers do (6.5.2)."""
    declared = world.field(name, "type")
    return bool(declared and declared.initial[0] == 1)


def _waitable(call: KernelCall, world: World, parameter: str) -> str:
    """The name of the dispatcher object passed."""
    name = call.text(parameter)
    found = world.objects.get(name)
    if found is None or found.type not in ("KEVENT", "KTIMER"):
        raise RuleError(f"{call.routine}: {parameter} must be a KEVENT or KTIMER, not {name}")
    return name


def _set(call: KernelCall, world: World, value: Expression, rule: str) -> tuple[Micro, ...]:
    """Set or clear the event; the result is its previous state."""
    flag = signalled(world, _waitable(call, world, "Event"))
    update = ((flag.variable, value),)
    return (
        Step(
            call.routine,
            rule,
            (
                Outcome((flag,), update, result=Constant(1)),
                Outcome((negation(flag),), update, result=Constant(0)),
            ),
            checks=call.at_most(DISPATCH_LEVEL, "0xC4 DRIVER_VERIFIER_DETECTED_VIOLATION (0x80)"),
        ),
    )


def ke_set_event(call: KernelCall, world: World) -> tuple[Micro, ...]:
    """Signal the event; gives its previous state.

    Windows: at or below DISPATCH_LEVEL, so never from a service routine (6.5.3, R29).
    Model: one step; waiters find it signalled.
    """
    return _set(call, world, Constant(value=True), "6.5.3")


def ke_reset_event(call: KernelCall, world: World) -> tuple[Micro, ...]:
    """Clear the event; gives its previous state (6.5.4)."""
    return _set(call, world, FALSE, "6.5.4")


def ke_initialize_event(call: KernelCall, world: World) -> tuple[Micro, ...]:
    """Prepare the event with its first state (6.5.1); its type is the declared one."""
    flag = signalled(world, _waitable(call, world, "Event"))
    first = Constant(bool(call.number("State")))
    return (Step(call.routine, "6.5.1", (Outcome(updates=((flag.variable, first),)),)),)


def ke_read_state_event(call: KernelCall, world: World) -> tuple[Micro, ...]:
    """Whether the event is signalled, without changing it (6.5.2)."""
    flag = signalled(world, _waitable(call, world, "Event"))
    return (
        Step(
            call.routine,
            "6.5.2",
            (
                Outcome((flag,), result=Constant(1)),
                Outcome((negation(flag),), result=Constant(0)),
            ),
            checks=call.at_most(DISPATCH_LEVEL),
        ),
    )


def _may_block(call: KernelCall) -> tuple[Check, ...]:
    """Waiting for more than an instant needs IRQL at or below APC_LEVEL (1.5.2, R49)."""
    if call.irql <= APC_LEVEL:
        return ()
    in_dpc = call.kind is ContextKind.DPC
    return (
        Check(
            "wait-at-dispatch-level",
            FALSE,
            f"{call.routine} can block, and is called at {level_name(call.irql)}",
            "0xB8 ATTEMPTED_SWITCH_FROM_DPC" if in_dpc else "0xA IRQL_NOT_LESS_OR_EQUAL",
        ),
    )


def ke_wait_for_single_object(call: KernelCall, world: World) -> tuple[Micro, ...]:
    """Wait until the object is signalled, or a time has passed.

    Windows: zero timeout at or below DISPATCH_LEVEL, never blocks (1.5.1); otherwise at or below
        APC_LEVEL (1.5.2). A synchronization event is cleared by the wait it satisfies (6.5.2).
    Model: times are not counted: a timed wait may end either way at any moment. Alertable waits
        end early with no other status.
    """
    name = _waitable(call, world, "Object")
    timeout = call.arguments["Timeout"]
    flag = signalled(world, name)
    clear = ((flag.variable, FALSE),) if _clears_itself(world, name) else ()
    satisfied = Outcome((flag,), clear, result=Constant(STATUS_SUCCESS))
    if timeout == Constant(0):
        return (
            Step(
                call.routine,
                "1.5.1",
                (satisfied, Outcome((negation(flag),), result=Constant(STATUS_TIMEOUT))),
                checks=call.at_most(DISPATCH_LEVEL),
            ),
        )
    outcomes: tuple[Outcome, ...] = (satisfied,)
    if timeout != Constant(_INFINITE):
        late = Outcome(result=Constant(STATUS_TIMEOUT), name=f"{call.routine} times out")
        outcomes = (satisfied, late)
    return (
        Step(
            f"{call.routine} waits for {name}",
            "1.5.2",
            outcomes,
            checks=_may_block(call),
            waits_on=name,
        ),
    )


def ke_delay_execution_thread(call: KernelCall, world: World) -> tuple[Micro, ...]:
    """Sleep for a while: at or below APC_LEVEL (1.5.6); everything else may happen meanwhile."""
    del world
    return (Step(call.routine, "1.5.6", checks=_may_block(call)),)


def ke_stall_execution_processor(call: KernelCall, world: World) -> tuple[Micro, ...]:
    """Burn time on the processor, at any IRQL (1.5.6)."""
    del world
    return (Step(call.routine, "1.5.6"),)


_EVENT = Parameter("Event")

ROUTINES = (
    KernelRoutine(
        "KeInitializeEvent",
        (_EVENT, Parameter("Type"), Parameter("State")),
        ke_initialize_event,
        "6.5.1",
    ),
    KernelRoutine(
        "KeSetEvent",
        (_EVENT, Parameter("Increment", default=0), Parameter("Wait", default=0)),
        ke_set_event,
        "6.5.3",
    ),
    KernelRoutine("KeResetEvent", (_EVENT,), ke_reset_event, "6.5.4"),
    KernelRoutine("KeClearEvent", (_EVENT,), ke_reset_event, "6.5.4"),
    KernelRoutine("KeReadStateEvent", (_EVENT,), ke_read_state_event, "6.5.2"),
    KernelRoutine(
        "KeWaitForSingleObject",
        (
            Parameter("Object"),
            Parameter("WaitReason", default=0),
            Parameter("WaitMode", default=0),
            Parameter("Alertable", default=0),
            Parameter("Timeout", default="NULL"),
        ),
        ke_wait_for_single_object,
        "1.5.2",
    ),
    KernelRoutine(
        "KeDelayExecutionThread",
        (
            Parameter("WaitMode", default=0),
            Parameter("Alertable", default=0),
            Parameter("Interval", default=1),
        ),
        ke_delay_execution_thread,
        "1.5.6",
    ),
    KernelRoutine(
        "KeStallExecutionProcessor",
        (Parameter("MicroSeconds", default=1),),
        ke_stall_execution_processor,
        "1.5.6",
    ),
)
