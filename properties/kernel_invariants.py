"""Facts about every reachable state that follow from the kernel rules alone.

A proof needs them: what is to be proved is rarely inductive by itself, together with these it
usually is. They are *candidates*. The prover keeps those that are inductive for the machine at
hand and drops the others, so a wrong one here costs a proof and never makes one.
"""

from collections.abc import Iterator
from itertools import combinations

from dirql.model.algebra import conjunction, disjunction, equal, member, negation
from dirql.model.expr import TRUE, Constant, Expression, Read
from dirql.model.kernel.levels import DISPATCH_LEVEL
from dirql.model.kernel.world import DISCONNECTED, NEVER_CONNECTED
from dirql.model.machine import ContextKind, Invariant
from dirql.model.system import LockFacts, System

from .waits import NONE, Party, labels_of, parties, same_processor

KERNEL = "kernel-invariant"
"""The name that the invariants of this module carry; it is not a property anyone can break."""


def kernel_invariants(system: System) -> tuple[Invariant, ...]:
    """All candidates for `system`, in a fixed order, without those that are plainly true."""
    candidates = (
        *_ownership(system),
        *_stacks(system),
        *_objects(system),
        *_placements(system),
        *_one_base(system),
        *_in_service(system),
        *_queue_order(system),
        *_phases(system),
    )
    return tuple(item for item in candidates if item.condition != TRUE)


def _ownership(system: System) -> Iterator[Invariant]:
    """A spin lock has at most one owner, and its owner is where it says it is (6.2.6, 6.1.2)."""
    for lock in system.locks:
        for party in parties(system):
            holding = party.at(party.holds(lock.name))
            owned = equal(Read(lock.owner), Constant(party.name))
            if _can_own(system, lock, party):
                yield _fact(
                    disjunction(negation(holding), owned),
                    f"at a point that holds {lock.name}, {party.name} is its owner",
                )
                yield _fact(
                    disjunction(negation(owned), holding),
                    f"{party.name} owns {lock.name} only at points that hold it",
                )


def _can_own(system: System, lock: LockFacts, party: Party) -> bool:
    """Whether the domain of the lock's owner variable has `party` at all."""
    variable = next(item for item in system.machine.variables if item.name == lock.owner)
    return party.name in getattr(variable.domain, "labels", ())


def _stacks(system: System) -> Iterator[Invariant]:
    """The levels of what lies on one processor's stack strictly rise (1.3.1, 1.3.2)."""
    for left, right in combinations(parties(system), 2):
        together = same_processor(system, left.context, right.context)
        level = disjunction(
            *(
                conjunction(_at_level(left, level), _at_level(right, level))
                for level in sorted({point.irql for point in left.points})
                if level >= DISPATCH_LEVEL
            )
        )
        yield _fact(
            negation(conjunction(together, level)),
            f"{left.name} and {right.name} never stand at one level on one processor",
        )


def _at_level(party: Party, level: int) -> Expression:
    return party.at(point for point in party.points if point.irql == level)


def _objects(system: System) -> Iterator[Invariant]:
    """An interrupt object that is not connected has no service routine in progress (3.1.8).

    Where a disconnect need not wait, that is not so: the object may even be in use again.
    """
    for item in system.interrupts:
        if item.outlived:
            continue
        dead = member(Read(item.state), (*NEVER_CONNECTED, DISCONNECTED))
        for party in parties(system):
            serving = party.at(point for point in party.points if point.object == item.name)
            yield _fact(
                negation(conjunction(dead, serving)),
                f"{party.name} serves {item.name} only while it is connected",
            )


def _placements(system: System) -> Iterator[Invariant]:
    """A context occupies a processor while it is raised (1.3.7).

    Below DISPATCH_LEVEL it may or may not: a thread whose level has just fallen still has one.
    """
    for party in parties(system):
        processor = party.context.processor
        if isinstance(processor, Read):
            raised = party.at(point for point in party.points if point.irql >= DISPATCH_LEVEL)
            yield _fact(
                negation(conjunction(raised, equal(processor, Constant(NONE)))),
                f"{party.name} occupies a processor at DISPATCH_LEVEL and above",
            )


def _one_base(system: System) -> Iterator[Invariant]:
    """A processor never has a raised thread and a DPC at once: neither starts above the other."""
    every = parties(system)
    slots = [item for item in every if item.context.kind is ContextKind.DPC]
    floating = [item for item in every if isinstance(item.context.processor, Read)]
    for slot in slots:
        busy = slot.at(point for point in slot.points if not point.end)
        for party in floating:
            raised = party.at(point for point in party.points if point.irql >= DISPATCH_LEVEL)
            together = same_processor(system, party.context, slot.context)
            yield _fact(
                negation(conjunction(together, raised, busy)),
                f"{party.name} is not raised on a processor where {slot.name} is in progress",
            )


def _in_service(system: System) -> Iterator[Invariant]:
    """A level line is in service on one processor at a time (4.3.6)."""
    for line in system.lines:
        slots = [
            item for item in parties(system) if item.name.startswith(f"{line.name} interrupt@")
        ]
        for left, right in combinations(() if line.latched else slots, 2):
            busy = [item.at(p for p in item.points if not p.end) for item in (left, right)]
            yield _fact(
                negation(conjunction(*busy)),
                f"{left.name} and {right.name} are never in progress at once",
            )


def _queue_order(system: System) -> Iterator[Invariant]:
    """One DPC is before another only while one queue holds both (7.1.4)."""
    names = {variable.name for variable in system.machine.variables}
    queued = [item.name for item in system.queues if item.kind == "DPC"]
    for one, other in combinations(sorted(queued), 2):
        before = f"{one} before {other}"
        if before in names:
            places = (Read(f"{one} queued on"), Read(f"{other} queued on"))
            together = conjunction(equal(*places), negation(equal(places[0], Constant(NONE))))
            yield _fact(
                disjunction(negation(Read(before)), together),
                f"{before} only in one queue",
            )


def _phases(system: System) -> Iterator[Invariant]:
    """Who starts another context has come to its own end by then, or never begins.

    The start of a scenario runs alone and lets the others begin with its last step; the last of
    these lets the closing routine begin.
    """
    machine = system.machine
    initial = {variable.name: variable.initial for variable in machine.variables}
    started: dict[tuple[str, str], frozenset[str]] = {}
    for party in parties(system):
        counter = party.context.counter
        for step in machine.transitions:
            if step.context == party.name:
                updates = dict(step.updates)
                reached = labels_of(system, updates.get(counter, Read(counter)))
                for other in parties(system):
                    if other != party and other.context.counter in updates:
                        pair = (counter, other.context.counter)
                        started[pair] = started.get(pair, frozenset()) | reached
    begun = {counter for _, counter in started}
    for (starter, counter), ends in started.items():
        never = initial[starter] if starter in begun else ()
        yield _fact(
            disjunction(
                member(Read(counter), initial[counter]), member(Read(starter), (*ends, *never))
            ),
            f"{counter} leaves its start only after {starter} has come to its end",
        )


def _fact(condition: Expression, detail: str) -> Invariant:
    return Invariant(KERNEL, condition, detail)
