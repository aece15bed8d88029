"""Races in compiled code: bit masks of what each context could touch next.

Each location that two contexts might race for has a bit. While the transitions of a state are
tried, the bits of what the enabled ones touch are collected, context by context, and compared with
those of the contexts before. Where an access has an index, equal bits are only a suspicion, and a
function that compares the indices is asked.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain

from dirql.model.algebra import equal
from dirql.model.expr import Expression
from dirql.model.machine import Access, AccessKind, Machine, Span, Transition

from ..races import DATA_RACE, TORN_UPDATE, WRITES, may_race, may_tear, tearing
from .assembly import Function
from .codec import Layout
from .formulas import Formulas
from .record import Kind


@dataclass(frozen=True, slots=True)
class Pair:
    """What must not meet: a context that stands somewhere, and an access of another.

    Attributes:
        location: what is shared.
        stands: where the first context stands, as atoms.
        other: the index of the transition that must be enabled.
        atoms: what else must hold.
    """

    location: str
    stands: tuple[Expression, ...]
    other: int
    atoms: tuple[Expression, ...] = ()


STANDING = "standing"
"""Begins the name of a class for which the guard is enough: the context may be preempted."""

UPDATE = f"{STANDING} between"
"""The class of the locations that a context is between reading and writing."""

SUBJECTS: dict[Kind, tuple[tuple[str, str], ...]] = {
    Kind.DATA_RACE: (
        (f"{STANDING} plain write", "any"),
        ("any", f"{STANDING} plain write"),
        (f"{STANDING} plain read", "simple write"),
        ("simple write", f"{STANDING} plain read"),
    ),
    Kind.TORN_UPDATE: ((UPDATE, "write"), ("write", UPDATE)),
}
"""What makes a race: one of these two classes of accesses met in two contexts."""

_TESTS: dict[str, Callable[[Access], bool]] = {
    "any": lambda access: True,  # noqa: ARG005 - one of several tests
    "write": lambda access: access.kind in WRITES,
    "simple write": lambda access: access.kind in WRITES - {AccessKind.INTERLOCKED},
    f"{STANDING} plain read": lambda access: access.kind is AccessKind.PLAIN_READ,
    f"{STANDING} plain write": lambda access: access.kind is AccessKind.PLAIN_WRITE,
    UPDATE: lambda access: False,  # noqa: ARG005 - told by `stand`, not by an access
}


_MOST_PAIRS = 400
"""Pairs of accesses that one function compares."""


@dataclass(slots=True)
class Meeting:
    """The search for races of one kind in the function `expand`.

    Attributes:
        kind: which.
        pairs: the accesses that race if they meet.
        bits: the bit of each location.
        seen: for each class, the slot with the locations of the contexts so far.
        present: the same of the context that is being tried.
        hits: the slot with the locations that met.
    """

    kind: Kind
    pairs: list[Pair]
    bits: dict[str, int]
    seen: dict[str, str] = field(default_factory=dict[str, str])
    present: dict[str, str] = field(default_factory=dict[str, str])
    hits: str = ""

    @property
    def type(self) -> str:
        """The type of a mask."""
        return f"i{max(8, len(self.bits))}"

    @property
    def doubtful(self) -> list[Pair]:
        """The pairs that need not have met where their locations did."""
        return [pair for pair in self.pairs if pair.atoms]

    def begin(self, function: Function) -> None:
        """Make the slots."""
        classes = dict.fromkeys(chain.from_iterable(SUBJECTS[self.kind]))
        self.seen = {name: function.slot(self.type, "0") for name in classes}
        self.present = {name: function.slot(self.type, "0") for name in classes}
        self.hits = function.slot(self.type, "0")

    def enter(self, function: Function) -> None:
        """Begin to try the transitions of a context."""
        for slot in self.present.values():
            function.put(slot, "0", self.type)

    def stand(self, function: Function, formulas: Formulas, spans: Iterable[Span]) -> None:
        """Collect the locations that a context is between reading and writing."""
        for span in spans if self.kind is Kind.TORN_UPDATE else ():
            if span.location in self.bits:
                slot, mask = self.present[UPDATE], 1 << self.bits[span.location]
                with function.when(formulas.boolean(span.between)):
                    old = function.get(slot, self.type)
                    function.put(slot, function.let(f"or {self.type} {old}, {mask}"), self.type)

    def touch(self, function: Function, transition: Transition, *, enabled: bool) -> None:
        """Collect what `transition` touches; unless it is `enabled` only its guard holds."""
        for name, slot in self.present.items():
            if enabled == name.startswith(STANDING):
                continue
            mask = 0
            for access in transition.accesses:
                if access.location in self.bits and _TESTS[name](access):
                    mask |= 1 << self.bits[access.location]
            if mask:
                old = function.get(slot, self.type)
                function.put(slot, function.let(f"or {self.type} {old}, {mask}"), self.type)

    def leave(self, function: Function) -> None:
        """Compare the context with those before."""
        let, type = function.let, self.type
        met = function.get(self.hits, type)
        for here, there in SUBJECTS[self.kind]:
            one, other = (
                function.get(self.present[here], type),
                function.get(self.seen[there], type),
            )
            met = let(f"or {type} {met}, {let(f'and {type} {one}, {other}')}")
        function.put(self.hits, met, type)
        for name, slot in self.seen.items():
            old, new = function.get(slot, type), function.get(self.present[name], type)
            function.put(slot, let(f"or {type} {old}, {new}"), type)

    def finish(self, function: Function) -> None:
        """Write down what met, or ask where indices must be compared."""
        arrays = {pair.location for pair in self.doubtful}
        certain = sum(1 << bit for name, bit in self.bits.items() if name not in arrays)
        hits = function.get(self.hits, self.type)
        with function.seldom(function.let(f"icmp ne {self.type} {hits}, 0")):
            sure = function.let(f"and {self.type} {hits}, {certain}")
            with function.when(function.let(f"icmp ne {self.type} {sure}, 0")):
                function.do(note(self.kind, 0))
            if arrays:
                function.do(f"call void @{self.asker}(ptr %state, ptr %record, i64 %index)")

    @property
    def asker(self) -> str:
        """The name of the function that compares indices."""
        return self.kind.name.lower()

    def ask(self, machine: Machine, layout: Layout) -> Iterator[Function]:
        """The functions that look closer in a state where locations met: one asks the others.

        Compiling a function takes more than twice as long if it is twice as large.
        """
        doubtful = {pair.location for pair in self.doubtful}
        pairs = [pair for pair in self.pairs if pair.location in doubtful]
        heading = "(ptr %state, ptr %record, i64 %index) noinline cold"
        whole = Function(f"internal void @{self.asker}{heading}")
        for part, start in enumerate(range(0, len(pairs), _MOST_PAIRS)):
            function = Function(f"internal void @{self.asker}{part}{heading}")
            self._compare(function, machine, layout, pairs[start : start + _MOST_PAIRS])
            yield function
            whole.do(f"call void @{self.asker}{part}(ptr %state, ptr %record, i64 %index)")
        whole.do("ret void")
        yield whole

    def _compare(
        self, function: Function, machine: Machine, layout: Layout, pairs: list[Pair]
    ) -> None:
        """Write down a race if one of `pairs` meets."""
        let = function.let
        formulas = Formulas(function, layout, load_words(function, layout), {})
        ready: dict[int, str] = {}
        met = "false"
        for pair in pairs:
            if pair.other not in ready:
                other = machine.transitions[pair.other]
                ready[pair.other] = formulas.all((*other.guard, *other.scheduling))
            there = formulas.all((*pair.stands, *pair.atoms))
            both = let(f"and i1 {there}, {ready[pair.other]}")
            met = let(f"or i1 {met}, {both}")
        with function.when(met):
            function.do(note(self.kind, 0))
        function.do("ret void")


def meetings(machine: Machine) -> list[Meeting]:
    """The searches for the races that `machine` asks about, where any can be."""
    found: list[Meeting] = []
    for name, kind in ((DATA_RACE, Kind.DATA_RACE), (TORN_UPDATE, Kind.TORN_UPDATE)):
        pairs = list(_pairs(machine, kind)) if name in machine.races else []
        if pairs:
            locations = dict.fromkeys(pair.location for pair in pairs)
            bits = {location: bit for bit, location in enumerate(locations)}
            found.append(Meeting(kind, pairs, bits))
    return found


def _pairs(machine: Machine, kind: Kind) -> Iterator[Pair]:
    touches: dict[str, list[tuple[int, Access]]] = {}
    for index, transition in enumerate(machine.transitions):
        for access in transition.accesses:
            touches.setdefault(access.location, []).append((index, access))
    contexts = [transition.context for transition in machine.transitions]
    if kind is Kind.TORN_UPDATE:
        for span in machine.spans:
            for other, access in touches.get(span.location, ()):
                if span.context != contexts[other] and may_tear(span, access):
                    yield Pair(span.location, (), other, tearing(span, access))
        return
    for location, found in touches.items():
        # What one context does is most of it in a long routine, and meets nothing of its own.
        elsewhere = {
            context: [item for item in found if contexts[item[0]] != context]
            for context in dict.fromkeys(contexts[one] for one, _ in found)
        }
        for one, first in found:
            for other, second in elsewhere[contexts[one]]:
                if not may_race(first, second):
                    continue
                same: tuple[Expression, ...] = ()
                if first.index is not None and second.index is not None:
                    same = (equal(first.index, second.index),)
                yield Pair(location, machine.transitions[one].guard, other, same)


def load_words(function: Function, layout: Layout) -> list[str]:
    """The words of the state at `%state`."""
    return [
        function.get(function.place("%state", number) if number else "%state")
        for number in range(layout.words)
    ]


def note(kind: Kind, rank: int) -> str:
    """The call that writes a finding down."""
    return f"call void @note(ptr %record, i64 {1 + 2 * kind}, i64 {rank}, i64 %index)"
