"""From a line to a service routine: acceptance, chain, end of interrupt (rules 4.1 to 4.3, 4.5).

Each line has one slot on each processor. A slot is a small program: accept, then for each
interrupt object of the chain raise to its SynchronizeIrql, take its lock, call the service routine,
release; then end of interrupt.
"""

from dataclasses import dataclass, replace
from typing import Literal, assert_never

from ..algebra import conjunction, disjunction, equal, member, negation
from ..driver import Line
from ..expr import FALSE, TRUE, Constant, Expression, Read
from ..machine import Check, Machine
from .callbacks import SERVICE
from .levels import bad_address
from .rule import Decide, Enter, Micro, Outcome, Step, Walk
from .world import CONNECTED, LIVE, InterruptObject, World

FIRES_AGAIN = "the line is still asserted and fires again"

SPURIOUS = "interrupt accepted, spurious"
"""How the names of the steps end that call service routines although nobody asked."""


@dataclass(frozen=True, slots=True)
class Slot:
    """The dispatch of one line on one processor."""

    line: str
    processor: str


def foreign_asserts(world: World, line: Line) -> Expression:
    """Whether the foreign device on a shared line asks for service; false on an exclusive one."""
    if not line.shared:
        return FALSE
    return world.flag(f"foreign device on {line.device} line asserts", owner="hardware")


def still_asserted(world: World, slot: Slot) -> Read:
    """Whether the own device has asserted a level line ever since this slot accepted it."""
    return world.flag(f"{slot.line} never quiet on {slot.processor}", owner=slot.processor)


ASKED_ALL_ALONG = "own device on {} line asked all along"
"""Stands for `still_asserted` of the processor of the step; the compiler replaces it."""


def follows_own_device(world: World, line: Line) -> bool:
    """Whether `still_asserted` is kept up for the line: a latched one does without mostly."""
    return not line.latched or world.facts.has("queues and declines", line.device)


def edge_pending(world: World, line: str) -> Read:
    """A latched request that no processor has accepted yet (4.3.1, 4.3.5: one, however many)."""
    return world.flag(f"{line} edge pending")


def asserted(world: World, line: Line) -> Expression:
    """What the wire of a level line shows."""
    return disjunction(world.asserted[line.device], foreign_asserts(world, line))


def _chain(world: World, slot: Slot) -> list[InterruptObject | None]:
    """The chain in the order of calls; `None` stands for the foreign driver's routine.

    Windows: one list per vector and processor, in an undocumented order (4.2.1, 4.2.2, 10.18).
    Model: own objects in order of connection in the pattern, the foreign one by knob
        `chain_order`. The foreign driver accepts the affinity that the own driver asks for: a line
        has one routing.
    """
    on_line = [item for item in world.interrupts() if item.registration.line == slot.line]
    own: list[InterruptObject | None] = [
        item for item in on_line if slot.processor in item.registration.processors
    ]
    if not world.lines[slot.line].shared or (on_line and not own):
        return own
    return [None, *own] if world.knobs["chain_order"] == "foreign_first" else [*own, None]


def _callable(world: World, item: InterruptObject | None) -> Expression:
    """Whether the chain calls this entry now."""
    if item is None:
        return TRUE
    return equal(world.interrupt_state(item.name), Constant(CONNECTED))


def expand(world: World, walk: Walk) -> tuple[Micro, ...]:
    """The micro-steps of one stage of a dispatch."""
    slot = Slot(walk.line, walk.processor)
    match walk.stage:
        case "call":
            return _call(world, slot, walk.position, claimed=walk.claimed)
        case "next":
            return _next(world, slot, walk.position, claimed=walk.claimed)
        case "end":
            return (_end(world, slot, claimed=walk.claimed),)
        case _:
            assert_never(walk.stage)


def _stage(
    slot: Slot, stage: Literal["call", "next", "end"], position: int = 0, *, claimed: bool
) -> tuple[Micro, ...]:
    """A stage to go on with."""
    return (Walk(slot.line, slot.processor, stage, position, claimed),)


def _call(world: World, slot: Slot, position: int, *, claimed: bool) -> tuple[Micro, ...]:
    """Call one entry of the chain, then go on as its answer and the mode of the line demand."""
    line = world.lines[slot.line]
    item = _chain(world, slot)[position]
    stop = not line.latched or world.knobs["latched_chain"] == "stop_at_true"
    on_true = (
        _stage(slot, "end", claimed=True)
        if stop
        else _stage(slot, "next", position + 1, claimed=True)
    )
    on_false = _stage(slot, "next", position + 1, claimed=claimed)
    if item is None:
        return _call_foreign(world, line, on_true, on_false)
    registration = item.registration
    name = f"{registration.routine} interrupt"
    freed = _lock_there(world, item)
    if world.knobs["disconnect_waits_for_isr"] != "yes":
        freed += (
            Check(
                "isr-after-disconnect",
                member(world.interrupt_state(item.name), LIVE),
                f"{registration.routine} is still running on an interrupt object that is gone",
                bad_address(registration.synchronize_irql, in_kernel=True),
            ),
        )
    return (
        Step(f"{name}: lock taken", "4.1.1", takes=item.lock, checks=freed, serves=item.name),
        Enter(
            registration.routine,
            (Constant(item.name), Constant(registration.service_context)),
            SERVICE,
            serves=item.name,
        ),
        Step(
            f"{name}: lock released",
            "4.1.1",
            drops=item.lock,
            irql=line.irql,
            checks=freed,
            serves=item.name,
        ),
        Decide(on_true, on_false),
    )


def _lock_there(world: World, item: InterruptObject) -> tuple[Check, ...]:
    """The lock that the driver supplied is still in memory (2.1.4, R6)."""
    alive = world.alive(item.lock)
    if alive is None:
        return ()
    crash = bad_address(item.registration.synchronize_irql, in_kernel=True)
    detail = f"{item.lock}, the lock of a connected interrupt, is no longer in memory"
    return (Check("use-after-free", alive, detail, crash),)


def _call_foreign(
    world: World, line: Line, on_true: tuple[Micro, ...], on_false: tuple[Micro, ...]
) -> tuple[Micro, ...]:
    """The foreign driver's service routine: quiets its device and claims, or does neither."""
    flag = foreign_asserts(world, line)
    assert isinstance(flag, Read)  # noqa: S101  (a foreign routine exists only on shared lines)
    return (
        Step(
            "foreign driver's service routine",
            "4.2.3",
            (
                Outcome(
                    (flag,), ((flag.variable, FALSE),), Constant(1), name="foreign driver claims"
                ),
                Outcome((negation(flag),), result=Constant(0), name="foreign driver declines"),
            ),
        ),
        Decide(on_true, on_false),
    )


def _walk(
    world: World, slot: Slot, position: int, *, claimed: bool
) -> tuple[list[Outcome], Expression]:
    """Outcomes that enter the next connected entry from `position` on, and "there is none"."""
    chain = _chain(world, slot)
    outcomes: list[Outcome] = []
    skipped: list[Expression] = []
    for index in range(position, len(chain)):
        item = chain[index]
        here = _callable(world, item)
        level = item.registration.synchronize_irql if item else world.lines[slot.line].irql
        outcomes.append(
            Outcome(
                (*skipped, here),
                then=_stage(slot, "call", index, claimed=claimed),
                irql=level,
            )
        )
        skipped.append(negation(here))
    return outcomes, conjunction(*skipped)


def _next(world: World, slot: Slot, position: int, *, claimed: bool) -> tuple[Micro, ...]:
    """The step that finds the next entry of the chain, or ends the walk."""
    chain = _chain(world, slot)
    if position >= len(chain):
        return (_end(world, slot, claimed=claimed),)
    if chain[position] is None:
        return _stage(slot, "call", position, claimed=claimed)
    outcomes, none = _walk(world, slot, position, claimed=claimed)
    ending = Outcome((none,), then=_stage(slot, "end", claimed=claimed))
    return (Step("next in the chain", "4.2.3", (*outcomes, ending)),)


def _end(world: World, slot: Slot, *, claimed: bool) -> Step:
    """End of interrupt.

    Windows: a level line that is still asserted fires again at once (4.3.3, 4.2.6). Nobody claiming
        it is a storm (4.2.5, 4.5.2). A latched chain is walked again until a pass claims nothing
        (4.2.7, 10.20).
    Model: still asserted: the next walk begins in this very step, or the next interrupt comes
        later or to another processor, and lower code here goes on meanwhile. Nobody may rely on
        the second: a service routine that never quiets the line is a storm, whatever lower code
        would do about it. Unclaimed although the own device asked all the time: a violation.
    """
    line = world.lines[slot.line]
    chain = _chain(world, slot)
    if line.latched:
        return _end_latched(world, slot, again=claimed and len(chain) > 1)
    quiet = still_asserted(world, slot)
    outcomes, none = _walk(world, slot, 0, claimed=False)
    high = asserted(world, line)
    mark = ((quiet.variable, world.asserted[slot.line]),)
    again_outcomes = [
        Outcome(
            (high, *item.guard),
            mark,
            then=item.then,
            irql=item.irql,
            name=f"end of interrupt; {FIRES_AGAIN}",
        )
        for item in outcomes
    ]
    over = Outcome((disjunction(negation(high), none),), ((quiet.variable, FALSE),))
    later = Outcome(
        (high, negation(none)),
        ((quiet.variable, FALSE),),
        name=f"end of interrupt; {FIRES_AGAIN} later",
        lucky=True,
    )
    checks: tuple[Check, ...] = ()
    if not claimed:
        checks = (
            Check(
                "unclaimed-level-interrupt",
                negation(quiet),
                f"{line.device} asserted its line from acceptance to the end, and no service "
                "routine claimed the interrupt",
                "0xF2 HARDWARE_INTERRUPT_STORM",
            ),
        )
    return Step("end of interrupt", "4.3.3", (*again_outcomes, over, later), checks)


def _end_latched(world: World, slot: Slot, *, again: bool) -> Step:
    """End of interrupt of a latched line, or another pass over its chain (4.2.7, 10.20)."""
    line = world.lines[slot.line]
    mark: tuple[tuple[str, Expression], ...] = ()
    over: tuple[tuple[str, Expression], ...] = ()
    if follows_own_device(world, line):
        quiet = still_asserted(world, slot).variable
        mark, over = ((quiet, world.asserted[slot.line]),), ((quiet, FALSE),)
    if again and world.knobs["latched_chain"] == "repeat_until_clean":
        outcomes, none = _walk(world, slot, 0, claimed=False)
        rounds = tuple(replace(item, updates=mark) for item in outcomes)
        return Step("chain is walked again", "4.2.7", (*rounds, Outcome((none,), over)))
    return Step("end of interrupt", "4.1.1", (Outcome(updates=over),))


def _in_service_nowhere(world: World, slot: Slot) -> tuple[Expression, ...]:
    """No other processor is between acceptance and end of interrupt of this line (4.3.6)."""
    return tuple(
        negation(Read(f"running {slot.line} interrupt@{processor}"))
        for processor in world.processors
        if processor != slot.processor
    )


def calls_for_nothing(machine: Machine) -> bool:
    """Whether service routines are called in `machine` although nobody asked."""
    return any(item.name.endswith(SPURIOUS) for item in machine.transitions)


def _called_for_others(world: World, line: Line) -> bool:
    """Whether service routines of the line may be called although nothing known to us asks.

    On a line that is declared shared the foreign device may ask at any time, which calls them just
    so; and where a disconnect does not wait for a service routine in progress (10.29) nobody could
    be safe from a call for nothing: there they are explored only if the knob says `yes`.
    """
    if line.shared or world.knobs["disconnect_waits_for_isr"] != "yes":
        return world.knobs["spurious_calls"] == "yes"
    said_shared = any(
        item.registration.shared and item.registration.line == line.device
        for item in world.interrupts()
    )
    return said_shared or world.knobs.allows("spurious_calls", "yes")


def accept(world: World, slot: Slot) -> Step:
    """A processor accepts the interrupt.

    Windows: only above the processor's IRQL (1.3.1, 4.1.1); on any processor of the affinity. A
        level line is accepted while it is asserted, without a memory of its own (10.27); a latched
        request is forgotten before the service routine is called (10.26). With nothing connected
        the line is off (4.2.11, 10.57). While a level line is in service on one processor, no
        other accepts it: the controller waits for the end of interrupt (4.3.6). A latched line has
        no such rule: the next request goes where it may.
    Model: acceptance finds the first connected entry of the chain in the same step. Acceptance
        without a request is possible at any time (4.5.1, knob `spurious_calls`), and where the
        driver has said that the vector is shared (2.2.1); not while the line is in service, when it
        would only wait for its turn. Nobody owes it, and it is no way out of anything: progress is
        judged without it. The own device has not asked.
    """
    line = world.lines[slot.line]
    outcomes, _ = _walk(world, slot, 0, claimed=False)
    alone = _in_service_nowhere(world, slot)
    if not any(world.interrupts()):
        return Step("interrupt accepted", "4.1.1", ())
    if line.latched:
        pending = edge_pending(world, line.device)
        asked: Expression = pending
        updates: tuple[tuple[str, Expression], ...] = ((pending.variable, FALSE),)
    else:
        asked, updates = asserted(world, line), ()
    if follows_own_device(world, line):
        updates += ((still_asserted(world, slot).variable, world.asserted[slot.line]),)
    usual = (asked,) if line.latched else (asked, *alone)
    guards = [(usual, f"{line.device} interrupt accepted", False)]
    if _called_for_others(world, line):
        nobody = (negation(asked), *alone)
        guards.append((nobody, f"{line.device} {SPURIOUS}", True))
    return Step(
        "interrupt accepted",
        "4.1.1",
        tuple(
            Outcome(
                (*guard, *item.guard),
                () if spurious else updates,
                then=item.then,
                irql=item.irql,
                name=name,
                spontaneous=spurious,
                lucky=spurious,
            )
            for guard, name, spurious in guards
            for item in outcomes
        ),
    )
