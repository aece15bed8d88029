"""Updates in several steps: from what a context reads to the write that rests on it.

The moves of each context are followed once more, together with what every local and every branch
rests on. A write that rests on a read of the same location completes an update; the program points
on the way from one to the other are where another context's write would be lost.

What counts. The value written may rest on what was read, through locals, arguments and results; or
the branch that leads to the write; or a value that was read is still in use when its place is set
to a constant (read and clear). What was read before a second look does not count, if the write
rests on the second look too; what was read before a write of one's own does not either.

A structure on the routine's own stack, which no other context writes, is followed like a local.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from ..algebra import member, variables_of
from ..expr import TRUE, Expression, Read
from ..machine import AccessKind, Machine, Span, Transition
from .flow import RESULT, Ended, Given, Mark, Ruled, Seen, Touch
from .location import RoutineFrame
from .path import KernelActivation, RoutineActivation
from .program import ContextProgram, Move

WRITES = (AccessKind.PLAIN_WRITE, AccessKind.VOLATILE_WRITE, AccessKind.INTERLOCKED)

Place: TypeAlias = tuple[str, Expression | None]


@dataclass(frozen=True, slots=True)
class Look:
    """A read of a place, by the move from a program point."""

    place: Place
    origin: str


Looks: TypeAlias = frozenset[tuple[Look, bool]]
"""Reads that something rests on, each with whether it does directly."""

Holder: TypeAlias = tuple[int, str | int]
"""A local, or the node where a branch ends, of the frame at a depth; or `OWN` and a place."""

OWN = -1
"""In place of a depth: a place in a structure on the stack that only this context writes."""


@dataclass(frozen=True, slots=True)
class Stand:
    """A program point with what everything rests on there; `latest` are the last reads."""

    label: str
    holders: frozenset[tuple[Holder, Looks]] = frozenset()
    latest: frozenset[Look] = frozenset()

    def holds(self, look: Look) -> bool:
        """Whether anything rests on `look`."""
        return any(look == item for _, looks in self.holders for item, _ in looks)


@dataclass(frozen=True, slots=True)
class _Edge:
    """A move between stands; `look` is the read it makes."""

    start: Stand
    move: Move
    look: Look | None = None


@dataclass(frozen=True, slots=True)
class _Write:
    """A write that completes an update: from which point, its name, whether it is computed."""

    label: str
    name: str
    computed: bool


@dataclass(slots=True)
class _Search:
    """All stands of one context, how they are reached, and the updates completed.

    `needed` has for each place of its own on the stack the program points from which it is read.
    """

    program: ContextProgram
    needed: Mapping[str, frozenset[str]] = field(default_factory=dict[str, frozenset[str]])
    before: dict[Stand, list[_Edge]] = field(default_factory=dict[Stand, list[_Edge]])
    completed: dict[tuple[Look, _Write], set[Stand]] = field(
        default_factory=dict[tuple[Look, _Write], set[Stand]]
    )

    def run(self) -> None:
        moves: dict[str, list[Move]] = {}
        for move in self.program.moves:
            moves.setdefault(move.origin, []).append(move)
        first = {Stand(label) for label in (self.program.entry, self.program.rest)}
        known, work = {*first}, [*first]
        while work:
            stand = work.pop()
            for move in moves.get(stand.label, ()):
                if move.path.failed:
                    continue
                edge, after = self._after(stand, move)
                self.before.setdefault(after, []).append(edge)
                if after not in known:
                    known.add(after)
                    work.append(after)

    def _after(self, stand: Stand, move: Move) -> tuple[_Edge, Stand]:
        """Where a move leads; the updates that it completes are remembered."""
        given = dict(stand.holders)
        holders = _resolved(given, move, stand.label) | self._own(given, move, stand.label)
        latest = {look.place: look for look in stand.latest}
        look: Look | None = None
        for touch in move.path.touches:
            place = (touch.location, touch.index)
            if not touch.writes:
                look = latest[place] = Look(place, stand.label)
                continue
            self._complete(stand, move, touch, given, holders, latest.pop(place, None))
            holders = _without(holders, {item for item in _found(holders) if item.place == place})
        holders = _without(holders, {item for item in _found(holders) if self._moved(item, move)})
        kept = frozenset(item for item in latest.values() if item in _found(holders))
        return _Edge(stand, move, look), Stand(move.target, frozenset(holders.items()), kept)

    def _own(self, given: dict[Holder, Looks], move: Move, origin: str) -> dict[Holder, Looks]:
        """What places on the stack rest on after a move, where they are still needed."""
        holders: dict[Holder, Looks] = {}
        for place, needed in self.needed.items():
            if move.target not in needed:
                continue
            looks = frozenset[tuple[Look, bool]]() if _set(move, place) else given.get((OWN, place))
            for touch in move.path.touches:
                if touch.writes and touch.location == place:
                    looks = (looks or frozenset()) | _looks(touch.rests_on, given, origin)
            if looks:
                holders[OWN, place] = looks
        return holders

    def _moved(self, look: Look, move: Move) -> bool:
        """Whether the index of what was read need not mean the same element after the move."""
        index = look.place[1]
        names = variables_of(index) if index is not None else ()
        own = f"{self.program.name}."
        return any(name in move.path.updates or not name.startswith(own) for name in names)

    def _complete(
        self,
        stand: Stand,
        move: Move,
        touch: Touch,
        given: dict[Holder, Looks],
        after: dict[Holder, Looks],
        latest: Look | None,
    ) -> None:
        """Remember what a write completes, if it rests on reads of its own place."""
        place = (touch.location, touch.index)
        rests_on = {item for item, _ in _looks(touch.rests_on, given, stand.label)}
        if not touch.atomic and not touch.computed:  # a constant: read and clear?
            for looks in after.values():
                rests_on |= {item for item, direct in looks if direct}
        found = {item for item in rests_on if item.place == place and stand.holds(item)}
        if latest in found:
            found = {latest}
        for look in found:
            write = _Write(stand.label, move.path.name, touch.computed)
            self.completed.setdefault((look, write), set()).add(stand)

    def spans(self) -> Iterator[Span]:
        """One for each read and write that belong together."""
        for (look, write), ends in self.completed.items():
            inside = {*ends}
            work = [*ends]
            acts = False
            while work:
                for edge in self.before.get(work.pop(), ()):
                    if edge.look == look:
                        continue
                    acts = acts or _acts(edge.move)
                    if edge.start not in inside:
                        inside.add(edge.start)
                        work.append(edge.start)
            labels = sorted({stand.label for stand in inside})
            location, index = look.place
            between = member(Read(self.program.counter), labels)
            any_write = write.computed or acts
            yield Span(self.program.name, location, between, index, any_write, write.name)


def _looks(marks: Iterable[Mark], given: dict[Holder, Looks], origin: str) -> Looks:
    """What marks of a move that starts at `origin` stand for."""
    found: set[tuple[Look, bool]] = set()
    for mark in marks:
        match mark:
            case Given(depth, name, direct):
                found |= {(look, direct and was) for look, was in given.get((depth, name), ())}
            case Ruled(depth, passed):
                found |= {
                    (look, False)
                    for looks in _inherited(given, depth, passed).values()
                    for look, _ in looks
                }
            case Ended(depth, node):
                found |= {(look, False) for look, _ in given.get((depth, node), ())}
            case Seen(location, index, direct):
                found.add((Look((location, index), origin), direct))
                found |= {(look, direct and was) for look, was in given.get((OWN, location), ())}
    return frozenset(found)


def _inherited(given: dict[Holder, Looks], depth: int, passed: Collection[int]) -> dict[int, Looks]:
    """The branches of a frame that go on behind the nodes `passed`, by where they end."""
    return {
        end: looks
        for (at, end), looks in given.items()
        if at == depth and isinstance(end, int) and end not in passed
    }


def _resolved(given: dict[Holder, Looks], move: Move, origin: str) -> dict[Holder, Looks]:
    """What everything rests on after a move."""
    holders: dict[Holder, Looks] = {}
    frames = zip(move.path.stack, move.end.frames, strict=False)
    for depth, (item, frame) in enumerate(frames):
        if isinstance(item, KernelActivation):
            holders[depth, RESULT] = _looks(item.rests_on, given, origin)
        if not isinstance(item, RoutineActivation) or not isinstance(frame, RoutineFrame):
            continue
        flow = item.flow
        for name in (*(name for name, _ in frame.known), *frame.stored):
            marks = flow.locals.get(name, frozenset[Mark]())
            holders[depth, name] = _looks(marks, given, origin)
        for end, marks in flow.branches.items():
            looks = _looks(marks, given, origin)
            holders[depth, end] = holders.get((depth, end), frozenset()) | looks
        if flow.old:
            for end, looks in _inherited(given, depth, flow.passed).items():
                old = frozenset((look, False) for look, _ in looks)
                holders[depth, end] = holders.get((depth, end), frozenset()) | old
    return {holder: looks for holder, looks in holders.items() if looks}


def _found(holders: dict[Holder, Looks]) -> set[Look]:
    """All reads that anything rests on."""
    return {look for looks in holders.values() for look, _ in looks}


def _without(holders: dict[Holder, Looks], gone: set[Look]) -> dict[Holder, Looks]:
    """`holders` where nothing rests on the reads that are `gone`."""
    if not gone:
        return holders
    rest = {
        holder: frozenset(item for item in looks if item[0] not in gone)
        for holder, looks in holders.items()
    }
    return {holder: looks for holder, looks in rest.items() if looks}


def _acts(move: Move) -> bool:
    """Whether a move does something for others, rather than take a lock or change its level."""
    path = move.path
    keeps = move.start.irql == move.end.irql and move.start.held == move.end.held
    return bool(path.accesses) or (bool(path.rule) and keeps)


def _set(move: Move, place: str) -> bool:
    """Whether a move stores to all of a place on the stack: it, or each element of an array."""
    if any(touch.location == place and touch.atomic for touch in move.path.touches):
        return False
    if place in move.path.updates:
        return True
    written = any(touch.location == place and touch.writes for touch in move.path.touches)
    return not written and any(name.startswith(f"{place}[") for name in move.path.updates)


def _needed(program: ContextProgram, place: str) -> frozenset[str]:
    """The program points from which a place on the stack is read before it is set."""
    before: dict[str, list[str]] = {}
    needed: set[str] = set()
    for move in program.moves:
        touches = [touch for touch in move.path.touches if touch.location == place]
        if any(touch.atomic or not touch.writes for touch in touches):
            needed.add(move.origin)
        elif not _set(move, place):
            before.setdefault(move.target, []).append(move.origin)
    work = [*needed]
    while work:
        for label in before.get(work.pop(), ()):
            if label not in needed:
                needed.add(label)
                work.append(label)
    return frozenset(needed)


def with_spans(
    machine: Machine, programs: Iterable[ContextProgram], stacks: Collection[tuple[str, str]] = ()
) -> Machine:
    """`machine` with the updates of all contexts that another context's write can come between.

    `stacks` are the contexts with the structures that they have on their stacks.
    """
    writers: dict[str, set[str]] = {}
    for step in machine.transitions:
        for access in step.accesses:
            if access.kind in WRITES:
                writers.setdefault(access.location, set()).add(step.context)
    spans: list[Span] = []
    for program in programs:
        starts = tuple(f"{name}." for context, name in stacks if context == program.name)
        own = [place for place, by in writers.items() if by == {program.name}]
        search = _Search(
            program,
            {place: _needed(program, place) for place in own if place.startswith(starts)},
        )
        search.run()
        spans += (
            span for span in search.spans() if writers.get(span.location, set()) - {span.context}
        )
    asked = {span.location for span in spans}
    steps = tuple(_only(step, asked) for step in machine.transitions)
    return replace(machine, transitions=steps, spans=tuple(spans))


def _only(step: Transition, locations: set[str]) -> Transition:
    """`step` without saying what its accesses change, except where that is asked."""
    if all(item.changes == TRUE or item.location in locations for item in step.accesses):
        return step
    accesses = (
        item if item.location in locations else replace(item, changes=TRUE)
        for item in step.accesses
    )
    return replace(step, accesses=tuple(accesses))
