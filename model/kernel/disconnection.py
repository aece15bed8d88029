"""Disconnecting and deactivating a service routine (rules 3.1 and 3.2)."""

from ..algebra import conjunction, disjunction, equal, member, negation
from ..expr import Constant, Expression, Read
from ..machine import Check
from .c_types import ULONG
from .dispatch import edge_pending
from .levels import DISPATCH_LEVEL, PASSIVE_LEVEL
from .registration import LEGACY, interrupt_object, same_version
from .rule import KernelCall, KernelRoutine, Micro, Outcome, Step
from .signature import Parameter, Passing
from .world import (
    CONNECTED,
    DISCONNECTED,
    DISCONNECTING,
    INACTIVE,
    InterruptObject,
    World,
)


def running(name: str) -> Read:
    """Stands for "a service routine of interrupt object `name` is in progress somewhere".

    The compiler replaces it by a question about program counters.
    """
    return Read(f"running {name}")


def _find(call: KernelCall, world: World, name: str) -> tuple[InterruptObject, Check] | Step:
    """The object to disconnect with the check that it is connected, or the step that fails.

    Windows: a second disconnect, or one of something else, is undocumented (3.1.12, 10.33).
    Model: a violation.
    """
    found = interrupt_object(call, world, name, "disconnect-of-dead-interrupt")
    if isinstance(found, Step):
        return found
    state = world.interrupt_state(name)
    return found, Check(
        "disconnect-of-dead-interrupt",
        member(state, (CONNECTED, INACTIVE)),
        f"{call.routine} is called with an interrupt object that is not connected",
        "0xC2 BAD_POOL_CALLER",
    )


def _forgotten_edge(world: World, found: InterruptObject) -> tuple[tuple[str, Expression], ...]:
    """Drops a latched request when the last member leaves the line (4.2.11, 10.57)."""
    line = world.lines[found.registration.line]
    if not line.latched or line.shared:
        return ()
    others = disjunction(
        *(
            member(world.interrupt_state(item.name), (CONNECTED, INACTIVE))
            for item in world.interrupts()
            if item.registration.line == line.device and item.name != found.name
        )
    )
    pending = edge_pending(world, line.device)
    return ((pending.variable, conjunction(pending, others)),)


def _disconnect(call: KernelCall, world: World, name: str) -> tuple[Micro, ...]:
    """Stop new calls, wait for running ones, free the object.

    Windows: PASSIVE_LEVEL (3.1.1); no new call after return (3.1.8); whether it waits for a
        service routine in progress is not documented (3.1.9); queued DPCs are not touched (3.1.10);
        the object's memory is gone afterwards (3.1.11).
    Model: two steps, unlink and free; between them it waits unless the knob
        `disconnect_waits_for_isr` says no (10.29).
    """
    located = _find(call, world, name)
    if isinstance(located, Step):
        return (located,)
    found, connected = located
    checks = (*call.at_most(PASSIVE_LEVEL), connected)
    state = world.interrupt_state(name).variable
    waits: tuple[Expression, ...] = (negation(running(found.name)),)
    free = ((state, Constant(DISCONNECTED)),)
    outcomes: list[Outcome] = []
    if world.knobs.allows("disconnect_waits_for_isr", "yes"):
        outcomes.append(Outcome(waits, free, result=Constant(0)))
    if world.knobs.allows("disconnect_waits_for_isr", "no"):
        outcomes.append(Outcome((), free, result=Constant(0), name=f"{call.routine} does not wait"))
    unlink = Outcome(updates=((state, Constant(DISCONNECTING)), *_forgotten_edge(world, found)))
    return (
        Step(call.routine, "3.1.1", (unlink,), checks),
        Step(f"{call.routine} frees the interrupt object", "3.1.11", tuple(outcomes)),
    )


def io_disconnect_interrupt(call: KernelCall, world: World) -> tuple[Micro, ...]:
    """Disconnect, the legacy form.

    Windows: PASSIVE_LEVEL (3.1.1), once (3.1.12); no service routine is called after it (3.1.8).
    Model: as `_disconnect`; it fits what IoConnectInterrupt or CONNECT_FULLY_SPECIFIED made.
    """
    name = call.text("InterruptObject")
    return _version(call, world, name, LEGACY) or _disconnect(call, world, name)


def _version(call: KernelCall, world: World, name: str, given: int) -> tuple[Micro, ...]:
    """The step that fails because Version is not the one used to connect, or nothing."""
    found = world.interrupt(name)
    if found is None or same_version(found.registration.version, given):
        return ()
    return (
        call.broken(
            "disconnect-of-dead-interrupt",
            f"{call.routine} is given another Version than the object was connected with",
            "0xCA PNP_DETECTED_FATAL_ERROR (9)" if "Disconnect" in call.routine else "",
        ),
    )


def io_disconnect_interrupt_ex(call: KernelCall, world: World) -> tuple[Micro, ...]:
    """Disconnect, the form with a versioned structure.

    Windows: PASSIVE_LEVEL (3.1.1); Version must be the one the connect call returned, else bug
        check 0xCA (3.1.3, 3.1.4).
    Model: as documented; an object connected by the legacy routine counts as FULLY_SPECIFIED.
    """
    name = call.text("ConnectionContext.InterruptObject")
    return _version(call, world, name, call.number("Version")) or _disconnect(call, world, name)


def _report(call: KernelCall, world: World, before: str, after: str) -> tuple[Micro, ...]:
    """Switch between connected and inactive; no effect where it already is (3.2.3)."""
    name = call.text("ConnectionContext.InterruptObject")
    located = _find(call, world, name)
    if isinstance(located, Step):
        return (located,)
    state = world.interrupt_state(name)
    change = equal(state, Constant(before))
    return _version(call, world, name, call.number("Version")) or (
        Step(
            call.routine,
            "3.2.2",
            (
                Outcome((change,), ((state.variable, Constant(after)),)),
                Outcome((negation(change),)),
            ),
            (*call.at_most(DISPATCH_LEVEL), located[1]),
        ),
    )


def io_report_interrupt_active(call: KernelCall, world: World) -> tuple[Micro, ...]:
    """Soft connect: calls of the service routine resume (3.2.2).

    Windows: at or below DISPATCH_LEVEL; no effect when active (3.2.1, 3.2.3).
    Model: one step.
    """
    return _report(call, world, INACTIVE, CONNECTED)


def io_report_interrupt_inactive(call: KernelCall, world: World) -> tuple[Micro, ...]:
    """Soft disconnect: no new calls of the service routine, the registration stays (3.2.2).

    Windows: at or below DISPATCH_LEVEL, so it cannot wait for a running service routine (3.2.7).
    Model: one step; a running service routine finishes (10.35).
    """
    return _report(call, world, CONNECTED, INACTIVE)


_CONTEXT = (
    Parameter(
        "Parameters",
        Passing.STRUCTURE,
        members=(
            Parameter("Version", type=ULONG, default=0, known=True),
            Parameter("ConnectionContext.InterruptObject", default="NULL"),
        ),
    ),
)

ROUTINES = (
    KernelRoutine(
        "IoDisconnectInterrupt", (Parameter("InterruptObject"),), io_disconnect_interrupt, "3.1"
    ),
    KernelRoutine("IoDisconnectInterruptEx", _CONTEXT, io_disconnect_interrupt_ex, "3.1.4"),
    KernelRoutine("IoReportInterruptActive", _CONTEXT, io_report_interrupt_active, "3.2"),
    KernelRoutine("IoReportInterruptInactive", _CONTEXT, io_report_interrupt_inactive, "3.2"),
)
