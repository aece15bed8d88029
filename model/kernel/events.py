"""Events, and what all dispatcher objects share: a signal, and waiters to wake (rules 6.5)."""

from ..algebra import conjunction, negation
from ..expr import FALSE, TRUE, Constant, Expression, Read
from ..machine import Check
from .c_types import BOOLEAN, LONG
from .levels import APC_LEVEL, DISPATCH_LEVEL
from .rule import KernelCall, KernelRoutine, Micro, Outcome, RuleError, Step
from .signature import Parameter
from .world import World

NOTIFICATION, _SYNCHRONIZATION = 0, 1

Wake = tuple[tuple[Expression, ...], tuple[tuple[str, Expression], ...]]
"""One way of signalling: when it is possible, and what it changes."""


def signalled(world: World, name: str) -> Read:
    """Whether the event (or timer) is signalled."""
    declared = world.field(name, "signalled")
    initial = bool(declared and declared.initial[0])
    return world.flag(f"{name} signalled", initial=initial)


def waiting(world: World, context: str, name: str) -> Read:
    """Whether the context waits for the object, and nothing has satisfied its wait yet."""
    return world.flag(f"{context} waits for {name}", owner=context)


def _type(world: World, name: str) -> int:
    """Notification (0) or synchronisation (1): as initialised, else as declared.

    Raises:
        RuleError: the driver initialises it once so and once so.
    """
    given = [int(item[1]) for item in world.facts.all("type of object") if item[0] == name]
    if len(given) > 1:
        raise RuleError(f"{name} is initialised both as notification and as synchronization object")
    declared = world.field(name, "type")
    return given[0] if given else int(bool(declared and declared.initial[0] == _SYNCHRONIZATION))


def clears_itself(world: World, name: str) -> bool:
    """Whether a satisfied wait resets the object: synchronization events and timers do (6.5.2)."""
    return _type(world, name) == _SYNCHRONIZATION


def set_type(call: KernelCall, world: World, name: str) -> None:
    """Remember the type that an initialising call gives the object."""
    kind = call.number("Type")
    if kind not in (NOTIFICATION, _SYNCHRONIZATION):
        raise RuleError(f"{call.routine}: Type is 0 (notification) or 1 (synchronization)")
    world.facts.add("type of object", name, kind)


def waitable(call: KernelCall, world: World, parameter: str, *types: str) -> str:
    """The name of the dispatcher object passed, of one of `types`."""
    name = call.text(parameter)
    found = world.objects.get(name)
    if found is None or found.type not in types:
        raise RuleError(f"{call.routine}: {parameter} must be a {' or '.join(types)}, not {name}")
    return name


def wakes(world: World, name: str) -> list[Wake]:
    """The ways in which signalling the object, which is not signalled, can go.

    Windows: a notification object wakes all waiters and stays signalled; a synchronization object
        satisfies one wait and stays clear, or stays signalled where nobody waits (6.5.2). The wait
        is satisfied at this moment, whatever becomes of the object before the waiter runs again.
    Model: as documented; any of several waiters may be the one.
    """
    flag = signalled(world, name)
    waiters = [waiting(world, str(item[1]), name) for item in _waiters(world, name)]
    if not clears_itself(world, name):
        woken = tuple((item.variable, FALSE) for item in waiters)
        return [((), ((flag.variable, TRUE), *woken))]
    nobody = conjunction(*(negation(item) for item in waiters))
    found: list[Wake] = [((item,), ((item.variable, FALSE),)) for item in waiters]
    return [*found, ((nobody,), ((flag.variable, TRUE),))]


def _waiters(world: World, name: str) -> list[tuple[bool | int | str, ...]]:
    """(object, context) for every context that can wait for the object."""
    return [item for item in world.facts.all("waiter") if item[0] == name]


def initialized(call: KernelCall, world: World, name: str) -> tuple[Check, ...]:
    """The object was initialised, where the driver does that at all (6.5.1)."""
    if not world.facts.has("initialized object", name):
        return ()
    return (
        Check(
            "uninitialized-object",
            world.flag(f"{name} initialized"),
            f"{call.routine} uses {name}, which has not been initialised",
        ),
    )


def set_ready(world: World, name: str) -> tuple[tuple[str, Expression], ...]:
    """The update by which the object counts as initialised."""
    world.facts.add("initialized object", name)
    return ((world.flag(f"{name} initialized").variable, TRUE),)


def ke_initialize_event(call: KernelCall, world: World) -> tuple[Micro, ...]:
    """Prepare the event with its type and first state.

    Windows: at any IRQL, before first use, in resident storage (6.5.1).
    Model: an event that the driver never initialises is ready as declared; one that it does
        initialise must be so before the first use, and has the type given here. Not while somebody
        waits for it, who would never be found again (6.5.10).
    """
    name = waitable(call, world, "Event", "KEVENT")
    set_type(call, world, name)
    first = (signalled(world, name).variable, Constant(bool(call.number("State"))))
    ready = Outcome(updates=(first, *set_ready(world, name)))
    return (Step(call.routine, "6.5.1", (ready,), nobody_waits(call, world, name)),)


def nobody_waits(call: KernelCall, world: World, name: str) -> tuple[Check, ...]:
    """Initialising the object forgets who waits for it: nobody may (6.5.10)."""
    waiters = [waiting(world, str(item[1]), name) for item in _waiters(world, name)]
    if not waiters:
        return ()
    return (
        Check(
            "free-while-queued",
            conjunction(*(negation(item) for item in waiters)),
            f"{call.routine} initialises {name}, which somebody waits for",
        ),
    )


def ke_set_event(call: KernelCall, world: World) -> tuple[Micro, ...]:
    """Signal the event; gives its previous state.

    Windows: at or below DISPATCH_LEVEL, so never from a service routine; with Wait TRUE at or
        below APC_LEVEL (6.5.3, R29).
    Model: one step, in which the waits it satisfies end. That a wait follows a call with Wait TRUE
        at once is not checked.
    """
    name = waitable(call, world, "Event", "KEVENT")
    flag = signalled(world, name)
    if call.number("Wait"):
        level = call.at_most(APC_LEVEL, "0xC4 DRIVER_VERIFIER_DETECTED_VIOLATION (0x20016)")
    else:
        level = call.at_most(DISPATCH_LEVEL, "0xC4 DRIVER_VERIFIER_DETECTED_VIOLATION (0x80)")
    already = Outcome((flag,), result=Constant(1))
    outcomes = [
        Outcome((negation(flag), *guard), updates, result=Constant(0))
        for guard, updates in wakes(world, name)
    ]
    checks = (*level, *initialized(call, world, name))
    return (Step(call.routine, "6.5.3", (already, *outcomes), checks),)


def ke_reset_event(call: KernelCall, world: World) -> tuple[Micro, ...]:
    """Clear the event; KeResetEvent gives its previous state.

    Windows: at or below DISPATCH_LEVEL (6.5.4).
    Model: one step. Waits already satisfied stay satisfied.
    """
    name = waitable(call, world, "Event", "KEVENT")
    flag = signalled(world, name)
    return (
        Step(
            call.routine,
            "6.5.4",
            (
                Outcome((flag,), ((flag.variable, FALSE),), result=Constant(1)),
                Outcome((negation(flag),), result=Constant(0)),
            ),
            (*call.at_most(DISPATCH_LEVEL), *initialized(call, world, name)),
        ),
    )


def ke_read_state_event(call: KernelCall, world: World) -> tuple[Micro, ...]:
    """Whether the event is signalled.

    Windows: at or below DISPATCH_LEVEL, changes nothing (6.5.4).
    Model: one step.
    """
    name = waitable(call, world, "Event", "KEVENT")
    return (read_state(call, world, name, "6.5.4"),)


def read_state(call: KernelCall, world: World, name: str, rule: str) -> Step:
    """The step that reads whether a dispatcher object is signalled."""
    flag = signalled(world, name)
    return Step(
        call.routine,
        rule,
        (Outcome((flag,), result=Constant(1)), Outcome((negation(flag),), result=Constant(0))),
        (*call.at_most(DISPATCH_LEVEL), *initialized(call, world, name)),
    )


_EVENT = Parameter("Event")

ROUTINES = (
    KernelRoutine(
        "KeInitializeEvent",
        (_EVENT, Parameter("Type", type=LONG), Parameter("State", type=BOOLEAN)),
        ke_initialize_event,
        "6.5.1",
    ),
    KernelRoutine(
        "KeSetEvent",
        (
            _EVENT,
            Parameter("Increment", type=LONG, default=0),
            Parameter("Wait", type=BOOLEAN, default=0),
        ),
        ke_set_event,
        "6.5.3",
    ),
    KernelRoutine("KeResetEvent", (_EVENT,), ke_reset_event, "6.5.4"),
    KernelRoutine("KeClearEvent", (_EVENT,), ke_reset_event, "6.5.4"),
    KernelRoutine("KeReadStateEvent", (_EVENT,), ke_read_state_event, "6.5.4"),
)
