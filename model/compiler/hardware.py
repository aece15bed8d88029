"""What happens by itself: events of devices, requests of foreign devices, timers that expire."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from ..algebra import (
    atoms,
    conjunction,
    disjunction,
    is_false,
    negation,
    substitute,
    variables_of,
)
from ..driver import Line
from ..expr import FALSE, Constant, Expression, Read
from ..kernel import dispatch, timers
from ..kernel.world import World
from ..machine import Transition
from .path import Path
from .scheduling import Scheduling

HARDWARE = "hardware"


@dataclass(frozen=True, slots=True)
class DeviceEvent:
    """One way in which a device does something by itself; `sure` if it surely does once it can."""

    name: str
    path: Path
    sure: bool


def changes(updates: dict[str, Expression]) -> tuple[tuple[str, Expression], ...]:
    """The updates that can change something, in a fixed order."""
    return tuple((name, value) for name, value in updates.items() if value != Read(name))


def spontaneous(
    world: World, events: Iterable[DeviceEvent], scheduling: Scheduling
) -> Iterator[Transition]:
    """Everything that may happen and nobody owes."""
    for event in events:
        yield from _device_event(world, event)
    for line in world.lines.values():
        if line.shared:
            yield _foreign_event(world, line)
    for timer in timers.timers(world):
        for expiry in timers.expiry(world, timer):
            yield _expires(expiry, scheduling)


def _device_event(world: World, event: DeviceEvent) -> Iterator[Transition]:
    """What a device does by itself. That it takes its request back, nobody may rely on.

    Otherwise a service routine that claims and never quiets its device would be excused by a device
    that can be unplugged. A line that surely falls after the acknowledgement is the exception.
    """
    path = event.path
    withdrawn = FALSE if event.sure else _withdrawn(world, path)
    transition = Transition(
        event.name,
        HARDWARE,
        atoms(conjunction(*path.guard, negation(withdrawn))),
        changes(path.updates),
        tuple(path.checks),
        source=path.source,
        spontaneous=True,
        opaque=path.opaque,
        choices=path.decided(event.name),
    )
    yield transition
    if not is_false(withdrawn):
        guard = atoms(conjunction(*path.guard, withdrawn))
        yield replace(transition, guard=guard, lucky=True)


def _withdrawn(world: World, path: Path) -> Expression:
    """That a level line is asserted before the event and not after it."""
    found: list[Expression] = []
    for line in world.lines.values():
        before = world.asserted[line.device]
        if not line.latched and variables_of(before) & path.updates.keys():
            found.append(conjunction(before, negation(substitute(before, path.updates))))
    return disjunction(*found)


def _foreign_event(world: World, line: Line) -> Transition:
    """The foreign device on a shared line asks for service."""
    flag = dispatch.foreign_asserts(world, line)
    assert isinstance(flag, Read)  # noqa: S101  (shared lines have one)
    updates = [(flag.variable, Constant(value=True))]
    if line.latched:
        pending = dispatch.edge_pending(world, line.device).variable
        updates.append((pending, Constant(value=True)))
    return Transition(
        f"foreign device on {line.device} line asks for service",
        HARDWARE,
        (negation(flag),),
        tuple(updates),
        spontaneous=True,
        rule="4.2.6",
    )


def _expires(expiry: timers.Expiry, scheduling: Scheduling) -> Transition:
    """A timer expires, where a processor lets it (7.4.8)."""
    outcome = expiry.outcome
    able = disjunction(*(scheduling.below_dispatch(item) for item in expiry.processors))
    return Transition(
        outcome.name,
        HARDWARE,
        atoms(conjunction(*outcome.guard)),
        changes(dict(outcome.updates)),
        scheduling=atoms(able),
        spontaneous=True,
        rule="7.4.2",
    )
