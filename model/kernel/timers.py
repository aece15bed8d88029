"""Timers (rules 7.4). Time is not counted: an armed timer may expire whenever a processor can.

Timers expire at DISPATCH_LEVEL: the clock interrupt only asks for it. So a processor that is at
DISPATCH_LEVEL or above lets none expire, and on a lone one nothing expires meanwhile (7.4.8).
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from ..algebra import conjunction, equal, negation
from ..domain import Enumeration
from ..expr import FALSE, TRUE, Constant, Expression, Read
from ..machine import Check
from .c_types import LARGE_INTEGER, LONG
from .dpc import dpc_passed, here_or_target, no_arguments, target_of
from .dpc import initialized as dpc_initialized
from .dpc_queues import ever_queued, joins, not_empty_for, queued_on, urgent
from .dpc_sources import TIMER, one_source
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
from .rule import KernelCall, KernelRoutine, Micro, Outcome, Record, Step
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

    Windows: resident storage, before first use (6.5.1); the timer is not signalled.
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
        ever_queued(world, dpc)
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
    if dpc != "NULL":
        dpc_passed(call, world, "Dpc")
    updates = arm(world, timer, dpc, state)
    was = pending(world, timer)
    ready: tuple[Check, ...] = ()
    remembered: tuple[tuple[str, Expression], ...] = ()
    if dpc != "NULL":
        alone, remembered = one_source(call, world, dpc, TIMER)
        ready = (dpc_initialized(call, world, dpc), *alone)
    armed_now = Step(
        call.routine,
        "7.4.1",
        (
            Outcome((was,), updates, result=Constant(1)),
            Outcome((negation(was),), updates, result=Constant(0)),
        ),
        (*call.at_most(DISPATCH_LEVEL), *initialized(call, world, timer), *ready),
    )
    if not _may_be_past(call.arguments["DueTime"]):
        return (armed_now, Record(remembered))
    return (armed_now, Record(remembered), _due_at_once(call, world, timer))


def _may_be_past(due: Expression) -> bool:
    """Whether the due time can be over when the timer is set: zero, or not known (7.4.9)."""
    return not isinstance(due, Constant) or due.value == 0


def ke_set_timer(call: KernelCall, world: World) -> tuple[Micro, ...]:
    """Arm a timer that expires once.

    Windows: at or below DISPATCH_LEVEL; the timer becomes not signalled; one that is armed is
        cancelled first, and the call returns TRUE. An expiry DPC already queued stays queued
        (7.4.1, 7.4.3).
    Model: one step; the due time is not looked at, but that one which is zero, or not known where
        the call is made, may be over already: then the timer may expire inside the call, at
        whatever level (7.4.9).
        (7.4.1, 7.4.3). Not with a DPC that KeInsertQueueDpc queues (7.4.5, R59).
    Model: one step; the due time is not looked at.
    """
    return _set(call, world, ARMED)


def ke_set_timer_ex(call: KernelCall, world: World) -> tuple[Micro, ...]:
    """Arm a timer, periodic if Period is not zero.

    Windows: as KeSetTimer (7.4.1); the DPC of a periodic timer can run on two processors (7.4.4).
    Model: as KeSetTimer; of the period it is only asked whether there is one.
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


@dataclass(frozen=True, slots=True)
class Expiry:
    """One way in which a timer expires, on any of `processors`."""

    processors: tuple[str, ...]
    outcome: Outcome


def expiry(world: World, timer: str) -> Iterator[Expiry]:
    """The timer expires: it becomes signalled and its DPC is queued.

    Windows: the timer leaves the timer queue, becomes signalled, its DPC is queued (7.4.2), on the
        DPC's target processor where it has one (7.1.6). A DPC that is queued already stays queued
        once (7.1.2, 7.4.5). All that happens at DISPATCH_LEVEL, not at the clock interrupt (7.4.8).
    Model: one step, whenever some processor is below DISPATCH_LEVEL; without a target the DPC is
        queued on that one, in its place or ahead of everything queued there (10.66).
    """
    for dpc, guard, updates in _signals(world, timer):
        for processors, queues in _queued(world, timer, dpc):
            changed = (*updates, *queues.updates)
            outcome = Outcome((*guard, *queues.guard), changed, name=queues.name)
            yield Expiry(processors, outcome)


def _signals(
    world: World, timer: str
) -> Iterator[tuple[str, tuple[Expression, ...], tuple[tuple[str, Expression], ...]]]:
    """(DPC, guard, updates) for every way in which an expiry signals the timer."""
    for kind in (ARMED, PERIODIC):
        ended = disarm(world, timer) if kind == ARMED else ()
        is_kind = equal(armed(world, timer), Constant(kind))
        for item in world.facts.all("timer dpc"):
            if item[0] == timer:
                chosen = equal(dpc_of(world, timer), Constant(item[1]))
                for guard, updates in wakes(world, timer):
                    yield str(item[1]), (is_kind, chosen, *guard), (*ended, *updates)


def _queued(world: World, timer: str, dpc: str) -> Iterator[tuple[tuple[str, ...], Outcome]]:
    """The ways in which an expiry queues the DPC, and on which processors it can do so."""
    every = world.processors
    if dpc == "NULL":
        yield every, Outcome(name=f"{timer} expires")
        return
    free = equal(queued_on(world, dpc), NONE)
    yield every, Outcome((negation(free),), name=f"{timer} expires; {dpc} is already queued")
    first = urgent(world, dpc)
    for name in every:
        processor = Constant(name)
        text = f"{timer} expires on {name} and queues {dpc}"
        ahead = conjunction(not_empty_for(world, dpc, processor), negation(first))
        ways = [Outcome((free,), _joining(world, dpc, processor, first), name=text)]
        if ahead != FALSE:
            moved = _joining(world, dpc, processor, TRUE)
            ways.append(Outcome((free, ahead), moved, name=f"{text} ahead of the others"))
        for way in ways:
            if not world.facts.has("dpc targeted", dpc):
                yield (name,), way
                continue
            target = target_of(world, dpc)
            for aimed, processors in ((NONE, (name,)), (processor, every)):
                yield processors, replace(way, guard=(*way.guard, equal(target, aimed)))


def _joining(
    world: World, dpc: str, processor: Expression, at_head: Expression
) -> tuple[tuple[str, Expression], ...]:
    """The updates by which the DPC of a timer joins the queue of `processor`."""
    return (
        (queued_on(world, dpc).variable, processor),
        *no_arguments(world, dpc),
        *joins(world, dpc, processor, at_head),
    )


def _due_at_once(call: KernelCall, world: World, timer: str) -> Step:
    """The due time is over when the timer is set, or is not (7.4.9)."""
    ways = [Outcome(name=f"{call.routine}: not due yet")]
    for dpc, guard, updates in _signals(world, timer):
        if dpc == "NULL":
            ways.append(Outcome(guard, updates))
            continue
        free = equal(queued_on(world, dpc), NONE)
        joined = _joining(world, dpc, here_or_target(world, dpc), urgent(world, dpc))
        ways.append(Outcome((*guard, free), (*updates, *joined)))
        ways.append(Outcome((*guard, negation(free)), updates))
    return Step(f"{call.routine}: due at once", "7.4.9", tuple(ways))


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
