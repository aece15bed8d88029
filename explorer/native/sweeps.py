"""Compiled code for progress: from which states can a goal be reached?

Every state has a mark, a bit for each progress condition: the goal is known to be reachable. Marks
begin where the goal holds, and where a state turns out to be quiescent if that is a goal. They
spread backwards: a sweep runs over the states from the last found to the first, expands each one
whose mark is not full once more, and joins the marks of its successors. No edge is stored. Steps
lead mostly to states found later, so few sweeps are needed.
"""

from collections.abc import Iterator
from itertools import groupby

from dirql.model.machine import Machine, Progress

from .assembly import Function
from .codec import Layout
from .core import Core
from .formulas import Formulas
from .meetings import load_words
from .record import REST
from .slots import BATCH, Slot, number, pointer, prefetch, shard_of, table_parts
from .steps import OWED, RELIABLY

CHUNK = 64
"""Conditions looked at together."""


def chunks(machine: Machine) -> Iterator[tuple[Progress, ...]]:
    """The conditions in their order, so that those looked at together count the same steps."""
    for _, alike in groupby(machine.progress, key=lambda item: item.owed):
        items = tuple(alike)
        for start in range(0, len(items), CHUNK):
            yield items[start : start + CHUNK]


def steps_of(items: tuple[Progress, ...]) -> int:
    """The number that says which steps count for the conditions of a chunk."""
    return OWED if items[0].owed else RELIABLY


def mark_bits(machine: Machine) -> int:
    """The width of a mark."""
    wanted = min(len(machine.progress), CHUNK)
    return next(bits for bits in (8, 16, 32, 64) if wanted <= bits)


class Sweeps:
    """Writes the functions for the progress conditions of a machine."""

    def __init__(self, machine: Machine, layout: Layout, core: Core) -> None:
        self.machine, self.layout, self.core = machine, layout, core
        self.kind = f"i{mark_bits(machine)}"
        self.asks_rest = any(item.quiescent for item in machine.progress)

    def functions(self) -> Iterator[Function]:
        """All functions; none if the machine has no progress conditions."""
        for chunk, items in enumerate(chunks(self.machine)):
            yield self._asking(f"goals{chunk}", items, lives=False)
            yield self._asking(f"lives{chunk}", items, lives=True)
            yield self._begin(chunk)
            yield self._missing(chunk, len(items))
        if self.machine.progress:
            yield self._sweep()

    def _asking(self, name: str, items: tuple[Progress, ...], *, lives: bool) -> Function:
        """A bit for each condition that is live, or whose goal holds."""
        function = Function(f"internal {self.kind} @{name}(ptr %state) alwaysinline")
        let, found = function.let, "0"
        formulas = Formulas(function, self.layout, load_words(function, self.layout), {})
        for bit, item in enumerate(items):
            truth = formulas.boolean(item.live if lives else item.goal)
            wide = let(f"zext i1 {truth} to {self.kind}")
            found = let(f"or {self.kind} {found}, {let(f'shl {self.kind} {wide}, {bit}')}")
        function.do(f"ret {self.kind} {found}")
        return function

    def _begin(self, chunk: int) -> Function:
        """Mark the states where goals hold."""
        function = Function(f"void @begin{chunk}(ptr %shard)")
        marks, segments = pointer(function, Slot.MARKS), pointer(function, Slot.SEGMENTS)
        with function.counted("0", number(function, Slot.COUNT)) as index:
            state = function.let(f"call ptr @address(ptr {segments}, i64 {index})")
            mark = function.let(f"call {self.kind} @goals{chunk}(ptr {state})")
            function.put(function.place(marks, index, self.kind), mark, self.kind)
        function.do("ret void")
        return function

    def _missing(self, chunk: int, count: int) -> Function:
        """Write the first live state without a mark to `%result`, for each condition."""
        function = Function(f"void @missing{chunk}(ptr %shard, ptr %result)")
        let, kind = function.let, self.kind
        marks, segments = pointer(function, Slot.MARKS), pointer(function, Slot.SEGMENTS)
        seen, wrong = function.slot(kind, "0"), function.slot(kind, "0")
        with function.counted("0", number(function, Slot.COUNT)) as index:
            state = let(f"call ptr @address(ptr {segments}, i64 {index})")
            live = let(f"call {kind} @lives{chunk}(ptr {state})")
            mark = function.get(function.place(marks, index, kind), kind)
            known = let(f"or {kind} {mark}, {function.get(seen, kind)}")
            new = let(f"and {kind} {live}, {let(f'xor {kind} {known}, -1')}")
            function.put(wrong, new, kind)
            with function.seldom(let(f"icmp ne {kind} {new}, 0")):
                function.put(seen, let(f"or {kind} {function.get(seen, kind)}, {new}"), kind)
                with function.counted("0", str(count)) as bit:
                    narrow = let(f"trunc i64 {bit} to {kind}") if kind != "i64" else bit
                    here = let(f"and {kind} {let(f'lshr {kind} {new}, {narrow}')}, 1")
                    with function.when(let(f"icmp ne {kind} {here}, 0")):
                        function.put(function.place("%result", bit), index)
        function.do("ret void")
        return function

    def _sweep(self) -> Function:
        """Spread marks backwards through some batches, counted from the last one found.

        Says whether any mark changed. `%wide` is a complete mark, `%still` that of a state which is
        a goal by being quiescent, `%steps` the number that says which steps count.
        """
        heading = "i64 @sweep(ptr %shard, i64 %wide, i64 %still, i64 %steps, i64 %start, i64 %stop)"
        function = Function(heading)
        let = function.let
        full, rest = (
            let(f"trunc i64 {mark} to {self.kind}") if self.kind != "i64" else mark
            for mark in ("%wide", "%still")
        )
        changed = function.slot("i64", "0")
        count = number(function, Slot.COUNT)
        batches = let(f"lshr i64 {let(f'add i64 {count}, {BATCH - 1}')}, {BATCH.bit_length() - 1}")
        end = let(f"call i64 @llvm.umin.i64(i64 %stop, i64 {batches})")
        with function.counted("%start", end) as done:
            batch = let(f"sub i64 {let(f'sub i64 {batches}, {done}')}, 1")
            first = let(f"mul i64 {batch}, {BATCH}")
            far = let(f"add i64 {first}, {BATCH}")
            last = let(f"call i64 @llvm.umin.i64(i64 {far}, i64 {count})")
            self._successors(function, first, last, (full, rest, changed, "%steps"))
            self._spread(function, first, last, changed)
        function.do(f"ret i64 {function.get(changed)}")
        return function

    def _successors(
        self, function: Function, first: str, last: str, wanted: tuple[str, str, str, str]
    ) -> None:
        """Expand the states of a batch whose marks are not full; fetch what will be looked up.

        `wanted`: a complete mark, the mark of a quiescent state, the slot for what changed, and the
        number that says which steps count.
        """
        let, core = function.let, self.core
        full, rest, changed, kind = wanted
        segments, buffer = pointer(function, Slot.SEGMENTS), pointer(function, Slot.BUFFER)
        marks, ends = pointer(function, Slot.MARKS), pointer(function, Slot.ENDS)
        hashes, everyone = pointer(function, Slot.HASHES), pointer(function, Slot.ALL)
        shards = number(function, Slot.SHARDS)
        output = function.slot("ptr", buffer)
        with function.counted(first, last) as index:
            own = function.place(marks, index, self.kind)
            mark = function.get(own, self.kind)
            with function.when(let(f"icmp ne {self.kind} {mark}, {full}")):
                state = let(f"call ptr @address(ptr {segments}, i64 {index})")
                core.expand(function, state, kind, output)
                if self.asks_rest:
                    still = self._resting(function, rest)
                    self._join(function, own, mark, still, changed)
            place = function.place(ends, let(f"sub i64 {index}, {first}"))
            function.put(place, function.get(output, "ptr"), "ptr")
        total = core.distance(function, buffer, function.get(output, "ptr"))
        with function.counted("0", total) as place:
            state = function.place(buffer, let(f"mul i64 {place}, {core.words}"))
            hashed = let(f"call i64 @hash(ptr {state})")
            function.put(function.place(hashes, place), hashed)
            owner = shard_of(function, hashed, shards)
            shard = function.get(function.place(everyone, owner, "ptr"), "ptr")
            table, mask, _ = table_parts(function, shard)
            prefetch(function, function.place(table, let(f"and i64 {hashed}, {mask}")))

    def _spread(self, function: Function, first: str, last: str, changed: str) -> None:
        """Join the marks of the successors of each state of a batch, the last state first."""
        let, core, kind = function.let, self.core, self.kind
        buffer, hashes = pointer(function, Slot.BUFFER), pointer(function, Slot.HASHES)
        marks, ends = pointer(function, Slot.MARKS), pointer(function, Slot.ENDS)
        everyone, shards = pointer(function, Slot.ALL), number(function, Slot.SHARDS)
        joined = function.slot(kind, "0")
        size = let(f"sub i64 {last}, {first}")
        with function.counted("0", size) as done:
            place = let(f"sub i64 {let(f'sub i64 {size}, {done}')}, 1")
            index = let(f"add i64 {first}, {place}")
            own = function.place(marks, index, kind)
            mark = function.get(own, kind)
            function.put(joined, mark, kind)
            start = function.slot("ptr", buffer)
            with function.when(let(f"icmp ne i64 {place}, 0")):
                before = function.place(ends, let(f"sub i64 {place}, 1"))
                function.put(start, function.get(before, "ptr"), "ptr")
            begin = core.distance(function, buffer, function.get(start, "ptr"))
            end = function.get(function.place(ends, place), "ptr")
            with function.counted(begin, core.distance(function, buffer, end)) as successor:
                state = function.place(buffer, let(f"mul i64 {successor}, {core.words}"))
                hashed = function.get(function.place(hashes, successor))
                owner = shard_of(function, hashed, shards)
                shard = function.get(function.place(everyone, owner, "ptr"), "ptr")
                with core.probing(function, hashed, state, table_parts(function, shard)) as parts:
                    pass
                found = function.get(parts[2])
                theirs = function.place(pointer(function, Slot.MARKS, shard), found, kind)
                old, more = function.get(joined, kind), self._load(function, theirs)
                function.put(joined, let(f"or {kind} {old}, {more}"), kind)
            self._join(function, own, mark, function.get(joined, kind), changed)

    def _resting(self, function: Function, rest: str) -> str:
        """`rest` if the state expanded last is quiescent, else no mark."""
        said = function.get(function.place(pointer(function, Slot.RECORD), REST))
        quiet = function.let(f"icmp ne i64 {said}, 0")
        return function.let(f"select i1 {quiet}, {self.kind} {rest}, {self.kind} 0")

    def _join(self, function: Function, own: str, mark: str, more: str, changed: str) -> None:
        """Add `more` to the `mark` of a state, which lies at `own`."""
        kind = self.kind
        new = function.let(f"or {kind} {mark}, {more}")
        with function.when(function.let(f"icmp ne {kind} {new}, {mark}")):
            width = int(kind[1:]) // 8
            function.do(f"store atomic {kind} {new}, ptr {own} unordered, align {width}")
            function.put(changed, "1")

    def _load(self, function: Function, address: str) -> str:
        """A mark that another worker may be changing; marks only grow, so old is as good as new."""
        size = int(self.kind[1:]) // 8
        return function.let(f"load atomic {self.kind}, ptr {address} unordered, align {size}")
