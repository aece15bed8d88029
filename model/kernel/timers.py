"""Timers (rules 7.4). Time is not counted: an armed timer may expire at any moment."""

from ..algebra import disjunction, equal, negation
from ..domain import Enumeration
from ..expr import TRUE, Constant, Expression, Read
from .dpc import initialized, queued_on
from .events import signalled
from .levels import DISPATCH_LEVEL
from .rule import KernelCall, KernelRoutine, Micro, Outcome, RuleError, Step
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
    name = call.text("Timer")
    found = world.objects.get(name)
    if found is None or found.type != "KTIMER":
        raise RuleError(f"{call.routine}: Timer must be a KTIMER, not {name}")
    return name


def _set(call: KernelCall, world: World, state: str) -> tuple[Micro, ...]:
    """Arm the timer; TRUE if it was armed already.

    Windows: at or below DISPATCH_LEVEL; the timer becomes not signalled; setting an armed timer
        cancels it first (7.4.1).
    Model: one step.
    """
    timer = _timer(call, world)
    dpc = call.text("Dpc")
    world.facts.add("timer dpc", timer, dpc)
    current = armed(world, timer)
    updates = (
        (current.variable, Constant(state)),
        (dpc_of(world, timer).variable, Constant(dpc)),
        (signalled(world, timer).variable, Constant(value=False)),
    )
    was = pending(world, timer)
    ready = () if dpc == "NULL" else (initialized(call, world, dpc),)
    return (
        Step(
            call.routine,
            "7.4.1",
            (
                Outcome((was,), updates, result=Constant(1)),
                Outcome((negation(was),), updates, result=Constant(0)),
            ),
            checks=call.at_most(DISPATCH_LEVEL) + ready,
        ),
    )


def ke_set_timer(call: KernelCall, world: World) -> tuple[Micro, ...]:
    """Arm a timer that expires once; see `_set` (7.4.1)."""
    return _set(call, world, ARMED)


def ke_set_timer_ex(call: KernelCall, world: World) -> tuple[Micro, ...]:
    """Arm a timer, periodic if Period is not zero; see `_set` (7.4.1)."""
    return _set(call, world, PERIODIC if call.number("Period") else ARMED)


def ke_cancel_timer(call: KernelCall, world: World) -> tuple[Micro, ...]:
    """Disarm the timer.

    Windows: at or below DISPATCH_LEVEL; TRUE if it was still armed (periodic: always); an expiry
        DPC already queued stays queued, and it never waits (7.4.3).
    Model: one step.
    """
    timer = _timer(call, world)
    was = pending(world, timer)
    disarm = (
        (armed(world, timer).variable, Constant(IDLE)),
        (dpc_of(world, timer).variable, Constant("NULL")),
    )
    return (
        Step(
            call.routine,
            "7.4.3",
            (
                Outcome((was,), disarm, result=Constant(1)),
                Outcome((negation(was),), result=Constant(0)),
            ),
            checks=call.at_most(DISPATCH_LEVEL),
        ),
    )


def expiry(world: World, timer: str) -> tuple[Step, ...]:
    """The timer expires: it becomes signalled and its DPC is queued.

    Windows: the timer leaves the timer queue, becomes signalled, its DPC is queued (7.4.2).
    Model: on any processor; one step.
    """
    state = armed(world, timer)
    steps: list[Step] = []
    base: tuple[tuple[str, Expression], ...] = ((signalled(world, timer).variable, TRUE),)
    for kind in (ARMED, PERIODIC):
        ended = (
            (state.variable, Constant(IDLE)),
            (dpc_of(world, timer).variable, Constant("NULL")),
        )
        after = base + (ended if kind == ARMED else ())
        is_kind = equal(state, Constant(kind))
        for item in world.facts.all("timer dpc"):
            if item[0] != timer:
                continue
            dpc = str(item[1])
            chosen = equal(dpc_of(world, timer), Constant(dpc))
            if dpc == "NULL":
                steps.append(
                    Step(f"{timer} expires", "7.4.2", (Outcome((is_kind, chosen), after),))
                )
                continue
            queued = queued_on(world, dpc)
            free = equal(queued, NONE)
            outcomes = [
                Outcome(
                    (is_kind, chosen, free),
                    (*after, (queued.variable, Constant(processor))),
                    name=f"{timer} expires on {processor} and queues {dpc}",
                )
                for processor in world.processors
            ]
            outcomes.append(Outcome((is_kind, chosen, negation(free)), after))
            steps.append(Step(f"{timer} expires", "7.4.2", tuple(outcomes)))
    return tuple(steps)


def any_armed(world: World) -> Expression:
    """Whether some timer is armed."""
    return disjunction(*(pending(world, timer) for timer in timers(world)))


_TIMER = Parameter("Timer")

ROUTINES = (
    KernelRoutine(
        "KeInitializeTimer",
        (_TIMER,),
        lambda call, world: (Step(call.routine, "6.5.1"),) if _timer(call, world) else (),
        "6.5.1",
    ),
    KernelRoutine(
        "KeSetTimer",
        (_TIMER, Parameter("DueTime", default=1), Parameter("Dpc", default="NULL")),
        ke_set_timer,
        "7.4.1",
    ),
    KernelRoutine(
        "KeSetTimerEx",
        (
            _TIMER,
            Parameter("DueTime", default=1),
            Parameter("Period", default=0),
            Parameter("Dpc", default="NULL"),
        ),
        ke_set_timer_ex,
        "7.4.1",
    ),
    KernelRoutine("KeCancelTimer", (_TIMER,), ke_cancel_timer, "7.4.3"),
)
