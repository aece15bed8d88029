"""Timers (rules 7.4). Time is not counted: an armed timer may expire at any moment."""

from ..algebra import equal, negation
from ..domain import Enumeration
from ..expr import FALSE, Constant, Expression, Read
from ..machine import Check
from .c_types import LARGE_INTEGER, LONG
from .dpc import initialized as dpc_initialized
from .dpc import may_target, no_arguments, queued_on
from .events import (
    NOTIFICATION,
    initialized,
    nobody_waits,
    read_state,
    set_ready,
    set_type,
    signalled,
    waitable,
    wakes,
)
from .levels import DISPATCH_LEVEL
from .rule import KernelCall, KernelRoutine, Micro, Outcome, Step
from .signature import Parameter
from .world import NONE, World

IDLE, ARMED, PERIODIC = "idle", "armed", "periodic"


def timers(world: World) -> tuple[str, ...]:
    """Every timer that the driver sets, in a fixed order."""
    return tuple(sorted({str(item[0]) for item in world.facts.all("timer dpc")}))


def armed(world: World, timer: str) -> Read:
    """Whether the timer is idle, armed once, or armed periodically."""
    return world.variable(
        f"{timer} is", Enumeration("timer state", (IDLE, ARMED, PERIODIC)), (IDLE,)
    )


def dpc_of(world: World, timer: str) -> Read:
    """The DPC that the timer queues when it expires, or `NULL`."""
    labels = tuple(str(item[1]) for item in world.facts.all("timer dpc") if item[0] == timer)
    name = f"DPC of {timer}"
    domain = Enumeration(name, ("NULL", *(label for label in labels if label != "NULL")))
    return world.variable(name, domain, ("NULL",))


def pending(world: World, timer: str) -> Expression:
    """Whether the timer is armed."""
    return negation(equal(armed(world, timer), Constant(IDLE)))


def _timer(call: KernelCall, world: World) -> str:
    """The timer passed."""
    return waitable(call, world, "Timer", "KTIMER")


def _initialize(call: KernelCall, world: World, timer: str) -> tuple[Micro, ...]:
    """The timer is ready, and not signalled; it must not be armed."""
    idle = Check(
        "free-while-queued",
        negation(pending(world, timer)),
        f"{call.routine} initialises {timer}, which is armed",
        "0xC7 TIMER_OR_DPC_INVALID",
    )
    updates = ((signalled(world, timer).variable, FALSE), *set_ready(world, timer))
    checks = (idle, *nobody_waits(call, world, timer))
    return (Step(call.routine, "6.5.1", (Outcome(updates=updates),), checks),)


def ke_initialize_timer(call: KernelCall, world: World) -> tuple[Micro, ...]:
    """Prepare a notification timer.

    Windows: resident storage, before first use (6.5.1, R54); the timer is not signalled.
    Model: a timer that the driver never initialises is taken to be ready, of the type declared; one
        that it does initialise must be so before the first use. Not while it is armed.
    """
    timer = _timer(call, world)
    world.facts.add("type of object", timer, NOTIFICATION)
    return _initialize(call, world, timer)


def ke_initialize_timer_ex(call: KernelCall, world: World) -> tuple[Micro, ...]:
    """Prepare a notification or synchronization timer.

    Windows: a synchronization timer is cleared by the wait it satisfies (6.5.2, 7.4.2).
    Model: as KeInitializeTimer.
    """
    timer = _timer(call, world)
    set_type(call, world, timer)
    return _initialize(call, world, timer)


def arm(world: World, timer: str, dpc: str, state: str) -> tuple[tuple[str, Expression], ...]:
    """The updates by which the timer is armed and will queue `dpc`."""
    world.facts.add("timer dpc", timer, dpc)
    if dpc != "NULL":
        for position in (1, 2):
            world.facts.add("dpc argument", dpc, position, "NULL")
    return (
        (armed(world, timer).variable, Constant(state)),
        (dpc_of(world, timer).variable, Constant(dpc)),
        (signalled(world, timer).variable, FALSE),
    )


def _set(call: KernelCall, world: World, state: str) -> tuple[Micro, ...]:
    """Arm the timer; TRUE if it was armed already."""
    timer = _timer(call, world)
    dpc = call.text("Dpc")
    updates = arm(world, timer, dpc, state)
    was = pending(world, timer)
    ready = () if dpc == "NULL" else (dpc_initialized(call, world, dpc),)
    return (
        Step(
            call.routine,
            "7.4.1",
            (
                Outcome((was,), updates, result=Constant(1)),
                Outcome((negation(was),), updates, result=Constant(0)),
            ),
            (*call.at_most(DISPATCH_LEVEL), *initialized(call, world, timer), *ready),
        ),
    )


def ke_set_timer(call: KernelCall, world: World) -> tuple[Micro, ...]:
    """Arm a timer that expires once.

    Windows: at or below DISPATCH_LEVEL; the timer becomes not signalled; one that is armed is
        cancelled first, and the call returns TRUE. An expiry DPC already queued stays queued
        (7.4.1, 7.4.3).
    Model: one step; the due time is not looked at.
    """
    return _set(call, world, ARMED)


def ke_set_timer_ex(call: KernelCall, world: World) -> tuple[Micro, ...]:
    """Arm a timer, periodic if Period is not zero.

    Windows: as KeSetTimer (7.4.1); the DPC of a periodic timer can run on two processors (7.4.4).
    Model: one step; neither time is looked at.
    """
    return _set(call, world, PERIODIC if call.number("Period") else ARMED)


def ke_cancel_timer(call: KernelCall, world: World) -> tuple[Micro, ...]:
    """Disarm the timer.

    Windows: at or below DISPATCH_LEVEL; TRUE if it was still armed (periodic: always); an expiry
        DPC already queued stays queued, and it never waits (7.4.3).
    Model: one step.
    """
    timer = _timer(call, world)
    was = pending(world, timer)
    return (
        Step(
            call.routine,
            "7.4.3",
            (
                Outcome((was,), disarm(world, timer), result=Constant(1)),
                Outcome((negation(was),), result=Constant(0)),
            ),
            (*call.at_most(DISPATCH_LEVEL), *initialized(call, world, timer)),
        ),
    )


def disarm(world: World, timer: str) -> tuple[tuple[str, Expression], ...]:
    """The updates by which the timer leaves the timer queue."""
    return (
        (armed(world, timer).variable, Constant(IDLE)),
        (dpc_of(world, timer).variable, Constant("NULL")),
    )


def ke_read_state_timer(call: KernelCall, world: World) -> tuple[Micro, ...]:
    """Whether the timer is signalled.

    Windows: at or below DISPATCH_LEVEL, changes nothing (7.4.2).
    Model: one step.
    """
    return (read_state(call, world, _timer(call, world), "7.4.2"),)


def expiry(world: World, timer: str) -> tuple[Step, ...]:
    """The timer expires: it becomes signalled and its DPC is queued.

    Windows: the timer leaves the timer queue, becomes signalled, its DPC is queued (7.4.2), on the
        DPC's target processor where it has one (7.1.6). A DPC that is queued already stays queued
        once (7.1.2, 7.4.5).
    Model: one step, at any moment; without a target the DPC may be queued on any processor.
    """
    steps: list[Step] = []
    for kind in (ARMED, PERIODIC):
        ended = disarm(world, timer) if kind == ARMED else ()
        is_kind = equal(armed(world, timer), Constant(kind))
        for item in world.facts.all("timer dpc"):
            if item[0] != timer:
                continue
            chosen = equal(dpc_of(world, timer), Constant(item[1]))
            outcomes = [
                Outcome((is_kind, chosen, *guard, *more), (*ended, *updates, *queue), name=name)
                for guard, updates in wakes(world, timer)
                for more, queue, name in _queued(world, timer, str(item[1]))
            ]
            steps.append(Step(f"{timer} expires", "7.4.2", tuple(outcomes)))
    return tuple(steps)


def _queued(
    world: World, timer: str, dpc: str
) -> list[tuple[tuple[Expression, ...], tuple[tuple[str, Expression], ...], str]]:
    """(guard, updates, name) of the ways in which an expiry queues the DPC."""
    if dpc == "NULL":
        return [((), (), "")]
    queued = queued_on(world, dpc)
    free = equal(queued, NONE)
    found: list[tuple[tuple[Expression, ...], tuple[tuple[str, Expression], ...], str]] = [
        (
            (free, may_target(world, dpc, processor)),
            ((queued.variable, Constant(processor)), *no_arguments(world, dpc)),
            f"{timer} expires on {processor} and queues {dpc}",
        )
        for processor in world.processors
    ]
    return [*found, ((negation(free),), (), f"{timer} expires; {dpc} is already queued")]


_TIMER = Parameter("Timer")

ROUTINES = (
    KernelRoutine(
        "KeInitializeTimer",
        (_TIMER,),
        ke_initialize_timer,
        "6.5.1",
    ),
    KernelRoutine(
        "KeInitializeTimerEx",
        (_TIMER, Parameter("Type", type=LONG)),
        ke_initialize_timer_ex,
        "6.5.1",
    ),
    KernelRoutine(
        "KeSetTimer",
        (
            _TIMER,
            Parameter("DueTime", type=LARGE_INTEGER, default=1),
            Parameter("Dpc", default="NULL"),
        ),
        ke_set_timer,
        "7.4.1",
    ),
    KernelRoutine(
        "KeSetTimerEx",
        (
            _TIMER,
            Parameter("DueTime", type=LARGE_INTEGER, default=1),
            Parameter("Period", type=LONG, default=0),
            Parameter("Dpc", default="NULL"),
        ),
        ke_set_timer_ex,
        "7.4.1",
    ),
    KernelRoutine("KeCancelTimer", (_TIMER,), ke_cancel_timer, "7.4.3"),
    KernelRoutine("KeReadStateTimer", (_TIMER,), ke_read_state_timer, "7.4.2"),
)
