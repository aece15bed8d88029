"""What properties are told about a compiled driver."""

from collections.abc import Iterator

from ..algebra import disjunction, equal, negation
from ..expr import Constant, Expression, Read
from ..kernel import dpc, dpc_queues, timers, work_items
from ..kernel.world import NONE, World
from ..machine import ContextKind, Machine, Source
from ..routine import Routine
from ..system import (
    Claim,
    InterruptFacts,
    LineFacts,
    LockFacts,
    Notes,
    Point,
    QueueFacts,
    System,
)
from .location import Location
from .notice import noticed
from .path import Path
from .phases import Phases, failed, removed
from .program import ContextProgram, source_of

_OWNER = "owner of "


def describe(
    machine: Machine,
    world: World,
    programs: tuple[ContextProgram, ...],
    routines: dict[str, Routine],
    phases: Phases,
    waiting: list[tuple[str, Expression]],
    claims: list[tuple[str, Expression]],
) -> System:
    """The machine with everything properties speak of."""
    return System(
        machine,
        tuple(point for program in programs for point in _points(program, routines)),
        tuple(
            LockFacts(name.removeprefix(_OWNER), name)
            for name in world.variables
            if name.startswith(_OWNER)
        ),
        tuple(
            InterruptFacts(
                item.name,
                world.interrupt_state(item.name).variable,
                item.registration.line,
                outlived=world.knobs.allows("disconnect_waits_for_isr", "no"),
            )
            for item in world.interrupts()
        ),
        tuple(_line(world, name) for name in world.lines),
        _queues(world, programs),
        tuple(waiting),
        tuple(
            Claim(name, condition, routines[name].source if name in routines else Source())
            for name, condition in claims
        ),
        removed(phases),
        failed(phases, world),
        noticed=tuple(noticed(world, waiting)),
    )


def notes(world: World, programs: tuple[ContextProgram, ...], knobs: frozenset[str]) -> Notes:
    """What a report says beside a verdict; `knobs` are those that the machine depends on."""
    return Notes(
        frozenset(world.reached),
        tuple(
            program.name
            for program in programs
            if program.kind is ContextKind.THREAD and _goes_round(program)
        ),
        knobs,
        tuple(sorted({item.registration.lock for item in world.interrupts()} - {""})),
    )


def _goes_round(program: ContextProgram) -> bool:
    """Whether a thread has a loop and no way to its end. A broken rule is neither."""
    ways: dict[str, set[str]] = {}
    for move in program.moves:
        if not move.path.failed:
            ways.setdefault(move.origin, set()).add(move.target)
    if any(program.rest in targets for targets in ways.values()):
        return False
    left = set(ways)
    while leaving := {label for label in left if not ways[label] & left}:
        left -= leaving
    return bool(left)


def _labels(program: ContextProgram) -> list[tuple[str, Location]]:
    """The points of a context; a thread has one more, before it starts."""
    found = list(program.points.items())
    if program.rest == "done":
        found.append(("not started", Location((), 0, pinned=False)))
    return found


def _points(program: ContextProgram, routines: dict[str, Routine]) -> Iterator[Point]:
    """What is known of the program points of a context."""
    leaving: dict[str, list[Path]] = {}
    for move in program.moves:
        leaving.setdefault(move.origin, []).append(move.path)
    for label, location in _labels(program):
        yield _point(program, label, location, leaving.get(label, []), routines)


def _point(
    program: ContextProgram,
    label: str,
    location: Location,
    leaving: list[Path],
    routines: dict[str, Routine],
) -> Point:
    """What is known of one program point, which is left on the paths `leaving`."""
    return Point(
        program.name,
        label,
        location.irql,
        tuple(held.lock for held in location.held),
        _common({path.takes for path in leaving}),
        _common({path.waits_on for path in leaving}),
        location.serves,
        not location.frames,
        source_of(location, routines),
    )


def _common(names: set[str]) -> str:
    """The one name in `names`: what every step from a point needs, and so what it waits for."""
    return next(iter(names)) if len(names) == 1 else ""


def _line(world: World, name: str) -> LineFacts:
    """What is known of one line."""
    line = world.lines[name]
    own = tuple(item.name for item in world.interrupts() if item.registration.line == name)
    return LineFacts(name, line.device, world.asserted[name], line.latched, line.shared, own)


def _queues(world: World, programs: tuple[ContextProgram, ...]) -> tuple[QueueFacts, ...]:
    """What can be queued or armed."""
    found = [
        QueueFacts(name, "DPC", negation(equal(dpc_queues.queued_on(world, name), NONE)))
        for name in dpc.dpcs(world)
    ]
    found += [
        QueueFacts(name, "timer", timers.pending(world, name)) for name in timers.timers(world)
    ]
    for item in work_items.work_items(world):
        if world.facts.sets.get("work item routine"):
            running = disjunction(
                *(
                    negation(equal(Read(program.counter), Constant(program.rest)))
                    for program in programs
                    if program.name.partition(" worker")[0] == item
                )
            )
            pending = disjunction(work_items.pending(world, item), running)
            found.append(QueueFacts(item, "work item", pending))
    return tuple(found)
