"""The search itself, compiled together with the machine so that the width of a state is known.

Found states lie one behind the other in the order of finding, in segments; the states of a level
are neighbours. Beside them is a hash table whose entries are numbers of states with some bits of
their hash, eight bytes each: a state is in the table if an entry with its bits leads to an equal
state. So nothing is decided by a hash, the table is small, growing it needs no second copy, and
the levels are there when a trace is wanted.

States are expanded in batches: first all successors of the batch are written, then the places of
all of them in the table are fetched, then they are looked up. By then memory has answered.
"""

from collections.abc import Generator, Iterator
from contextlib import contextmanager

from .assembly import Function
from .slots import (
    BATCH,
    NUMBER_BITS,
    SEGMENT_BITS,
    Slot,
    increase,
    number,
    pointer,
    prefetch,
    shard_of,
    store,
    table_parts,
)
from .steps import signed

PIECE = 32
"""States looked up together: what is fetched for them fits into the nearest cache."""

_FACTOR, _LAST = 0x9E3779B97F4A7C15, 0xD6E8FEB86659FD93


class Core:
    """Writes the functions of the search for states of some words."""

    def __init__(self, words: int, room: int, *, fingerprint: bool = False) -> None:
        """Search with states of `words` words that have at most `room` successors.

        With `fingerprint` an entry of the table is the hash, and states of equal hashes are taken
        for one.
        """
        self.words, self.room, self.fingerprint = words, max(room, 1), fingerprint

    def functions(self) -> Iterator[Function]:
        """All functions."""
        yield self._hash()
        yield self._address()
        yield self._insert()
        yield self._explore()
        yield self._inspect()
        yield self._rebuild()
        yield self._owner()
        yield self._find()
        yield self._predecessor()

    def _hash(self) -> Function:
        function = Function("internal i64 @hash(ptr readonly %state) alwaysinline")
        let = function.let
        value = signed(_FACTOR)
        for word in range(self.words):
            turned = let(f"call i64 @llvm.fshl.i64(i64 {value}, i64 {value}, i64 23)")
            mixed = let(f"xor i64 {turned}, {self._word(function, '%state', word)}")
            value = let(f"mul i64 {mixed}, {signed(_FACTOR)}")
        value = let(f"xor i64 {value}, {let(f'lshr i64 {value}, 32')}")
        value = let(f"mul i64 {value}, {signed(_LAST)}")
        value = let(f"xor i64 {value}, {let(f'lshr i64 {value}, 29')}")
        function.do(f"ret i64 {value}")
        return function

    def _address(self) -> Function:
        function = Function("internal ptr @address(ptr %segments, i64 %number) alwaysinline")
        let = function.let
        which = let(f"lshr i64 %number, {SEGMENT_BITS}")
        segment = function.get(function.place("%segments", which, "ptr"), "ptr")
        inside = let(f"and i64 %number, {(1 << SEGMENT_BITS) - 1}")
        start = let(f"mul i64 {inside}, {self.words}")
        function.do(f"ret ptr {function.place(segment, start)}")
        return function

    def _word(self, function: Function, state: str, word: int) -> str:
        return function.get(function.place(state, word) if word else state)

    def _same(self, function: Function, left: str, right: str) -> str:
        """Whether two states are equal."""
        let, different = function.let, ""
        for word in range(self.words):
            one, other = self._word(function, left, word), self._word(function, right, word)
            bits = let(f"xor i64 {one}, {other}")
            different = let(f"or i64 {different}, {bits}") if different else bits
        return let(f"icmp eq i64 {different}, 0")

    def copy(self, function: Function, source: str, target: str) -> None:
        """Copy a state."""
        for word in range(self.words):
            value = self._word(function, source, word)
            function.put(function.place(target, word) if word else target, value)

    def _hashed(self, function: Function, states: str, first: str, last: str) -> None:
        """Compute the hashes of some states and fetch their places in the table."""
        let, hashes = function.let, pointer(function, Slot.HASHES)
        table, mask, _ = table_parts(function)
        with function.counted(first, last) as place:
            state = function.place(states, let(f"mul i64 {place}, {self.words}"))
            hashed = let(f"call i64 @hash(ptr {state})")
            function.put(function.place(hashes, place), hashed)
            prefetch(function, function.place(table, let(f"and i64 {hashed}, {mask}")))

    def _tag(self, function: Function, hashed: str) -> str:
        """What the entry of a state says of its hash; never zero where it is all it says."""
        if self.fingerprint:
            return function.let(f"call i64 @llvm.umax.i64(i64 {hashed}, i64 1)")
        return function.let(f"and i64 {hashed}, {-(1 << NUMBER_BITS)}")

    def _entry(self, function: Function, tag: str, number: str) -> str:
        return tag if self.fingerprint else function.let(f"or i64 {tag}, {number}")

    @contextmanager
    def probing(
        self, function: Function, hashed: str, state: str, parts: tuple[str, str, str]
    ) -> Generator[tuple[str, str, str]]:
        """Look for `state` in the table of `parts`: its address, its mask, the segments.

        What is written inside happens where the state is absent. It gets the address of the free
        entry, the bits of the hash for it, and a slot: the number of the state, or -1.
        """
        let, (table, mask, segments) = function.let, parts
        found = function.slot("i64", "-1")
        position = function.slot("i64", let(f"and i64 {hashed}, {mask}"))
        tag = self._tag(function, hashed)
        probe, used, alike = map(function.label, ("probe", "used", "alike"))
        on, equal, absent, after = map(function.label, ("on", "equal", "absent", "after"))
        function.jump(probe)
        function.begin(probe)
        here = function.get(position)
        place = function.place(table, here)
        entry = function.get(place)
        function.branch(let(f"icmp eq i64 {entry}, 0"), absent, used)
        function.begin(used)
        differing = let(f"xor i64 {entry}, {tag}")
        bits = differing if self.fingerprint else let(f"lshr i64 {differing}, {NUMBER_BITS}")
        function.branch(let(f"icmp eq i64 {bits}, 0"), alike, on)
        function.begin(alike)
        low = let(f"and i64 {entry}, {(1 << NUMBER_BITS) - 1}")
        which = "0" if self.fingerprint else let(f"sub i64 {low}, 1")
        if self.fingerprint:
            function.jump(equal)
        else:
            stored = let(f"call ptr @address(ptr {segments}, i64 {which})")
            function.branch(self._same(function, stored, state), equal, on)
        function.begin(on)
        following = let(f"add i64 {here}, 1")
        function.put(position, let(f"and i64 {following}, {mask}"))
        function.jump(probe)
        function.begin(equal)
        function.put(found, which)
        function.jump(after)
        function.begin(absent)
        yield place, tag, found
        function.jump(after)
        function.begin(after)

    def _insert(self) -> Function:
        """Look up states and keep the new ones."""
        function = Function("void @insert(ptr %shard, ptr %states, i64 %count) noinline")
        let = function.let
        parts, hashes = table_parts(function), pointer(function, Slot.HASHES)
        limit = number(function, Slot.LIMIT)
        kept = function.slot("i64", number(function, Slot.COUNT))
        pieces = let(f"lshr i64 {let(f'add i64 %count, {PIECE - 1}')}, {PIECE.bit_length() - 1}")
        with function.counted("0", pieces) as piece:
            first = let(f"mul i64 {piece}, {PIECE}")
            far = let(f"add i64 {first}, {PIECE}")
            last = let(f"call i64 @llvm.umin.i64(i64 {far}, i64 %count)")
            self._hashed(function, "%states", first, last)
            with function.counted(first, last) as place:
                state = function.place("%states", let(f"mul i64 {place}, {self.words}"))
                hashed = function.get(function.place(hashes, place))
                with self.probing(function, hashed, state, parts) as (entry, tag, _):
                    new = function.get(kept)
                    room, full, done = map(function.label, ("room", "full", "done"))
                    function.branch(let(f"icmp ult i64 {new}, {limit}"), room, full, likely=True)
                    function.begin(full)
                    store(function, Slot.FULL, "1")
                    function.jump(done)
                    function.begin(room)
                    target = let(f"call ptr @address(ptr {parts[2]}, i64 {new})")
                    self.copy(function, state, target)
                    more = let(f"add i64 {new}, 1")
                    function.put(entry, self._entry(function, tag, more))
                    function.put(kept, more)
                    function.jump(done)
                    function.begin(done)
        store(function, Slot.COUNT, function.get(kept))
        function.do("ret void")
        return function

    @contextmanager
    def batches(self, function: Function) -> Generator[tuple[str, str]]:
        """A loop over the states from NEXT to END in batches, as long as there is room.

        Gives the first state of the batch and the end of the batch, and moves NEXT there.
        """
        let = function.let
        head, body, after = map(function.label, ("head", "body", "after"))
        function.jump(head)
        function.begin(head)
        first, end = number(function, Slot.NEXT), number(function, Slot.END)
        left = let(f"icmp ult i64 {first}, {end}")
        count, capacity = number(function, Slot.COUNT), number(function, Slot.CAPACITY)
        fits = let(f"icmp ule i64 {count}, {capacity}")
        function.branch(let(f"and i1 {left}, {fits}"), body, after)
        function.begin(body)
        far = let(f"add i64 {first}, {BATCH}")
        last = let(f"call i64 @llvm.umin.i64(i64 {far}, i64 {end})")
        yield first, last
        store(function, Slot.NEXT, last)
        function.jump(head)
        function.begin(after)

    def expanded(self, function: Function, first: str, last: str) -> tuple[str, str]:
        """Write the successors of a batch; give their address and their number."""
        let = function.let
        segments, buffer = pointer(function, Slot.SEGMENTS), pointer(function, Slot.BUFFER)
        output = function.slot("ptr", buffer)
        with function.counted(first, last) as index:
            state = let(f"call ptr @address(ptr {segments}, i64 {index})")
            self.expand(function, state, index, output)
        return buffer, self.distance(function, buffer, function.get(output, "ptr"))

    def expand(self, function: Function, state: str, index: str, output: str) -> None:
        """Write the successors of one state where the slot `output` says, and move it on."""
        record, taken = pointer(function, Slot.RECORD), pointer(function, Slot.TAKEN)
        here = function.get(output, "ptr")
        call = f"ptr {state}, ptr {record}, ptr {taken}, i64 {index}, ptr {here}"
        function.put(output, function.let(f"call ptr @expand({call})"), "ptr")

    def distance(self, function: Function, start: str, end: str) -> str:
        """How many states lie between two addresses."""
        let = function.let
        low, high = let(f"ptrtoint ptr {start} to i64"), let(f"ptrtoint ptr {end} to i64")
        return let(f"udiv exact i64 {let(f'sub i64 {high}, {low}')}, {8 * self.words}")

    def _explore(self) -> Function:
        """Expand the states from NEXT to END and keep what is new."""
        function = Function("void @explore(ptr %shard)")
        with self.batches(function) as (first, last):
            buffer, count = self.expanded(function, first, last)
            increase(function, Slot.TRANSITIONS, count)
            function.do(f"call void @insert(ptr %shard, ptr {buffer}, i64 {count})")
        function.do("ret void")
        return function

    def _inspect(self) -> Function:
        """Expand the states from NEXT to END for the record alone; nothing is kept."""
        function = Function("void @inspect(ptr %shard)")
        with self.batches(function) as (first, last):
            self.expanded(function, first, last)
        function.do("ret void")
        return function

    def _rebuild(self) -> Function:
        """Fill an empty table with all states."""
        function = Function("void @rebuild(ptr %shard)")
        let = function.let
        table, mask = pointer(function, Slot.TABLE), number(function, Slot.MASK)
        segments, hashes = pointer(function, Slot.SEGMENTS), pointer(function, Slot.HASHES)
        count = number(function, Slot.COUNT)
        batches = let(f"lshr i64 {let(f'add i64 {count}, {BATCH - 1}')}, {BATCH.bit_length() - 1}")
        with function.counted("0", batches) as batch:
            first = let(f"mul i64 {batch}, {BATCH}")
            far = let(f"add i64 {first}, {BATCH}")
            last = let(f"call i64 @llvm.umin.i64(i64 {far}, i64 {count})")
            with function.counted(first, last) as index:
                state = let(f"call ptr @address(ptr {segments}, i64 {index})")
                hashed = let(f"call i64 @hash(ptr {state})")
                function.put(function.place(hashes, let(f"sub i64 {index}, {first}")), hashed)
                prefetch(function, function.place(table, let(f"and i64 {hashed}, {mask}")))
            with function.counted(first, last) as index:
                hashed = function.get(function.place(hashes, let(f"sub i64 {index}, {first}")))
                self._enter(function, hashed, let(f"add i64 {index}, 1"))
        function.do("ret void")
        return function

    def _enter(self, function: Function, hashed: str, entry: str) -> None:
        """Write an entry for a state that is not in the table."""
        let = function.let
        table, mask = pointer(function, Slot.TABLE), number(function, Slot.MASK)
        position = function.slot("i64", let(f"and i64 {hashed}, {mask}"))
        probe, on, free = map(function.label, ("probe", "on", "free"))
        function.jump(probe)
        function.begin(probe)
        here = function.get(position)
        place = function.place(table, here)
        function.branch(let(f"icmp eq i64 {function.get(place)}, 0"), free, on)
        function.begin(on)
        following = let(f"add i64 {here}, 1")
        function.put(position, let(f"and i64 {following}, {mask}"))
        function.jump(probe)
        function.begin(free)
        tag = self._tag(function, hashed)
        function.put(place, self._entry(function, tag, entry))

    def _owner(self) -> Function:
        """Which of so many shards owns a state."""
        function = Function("i64 @owner(ptr %state, i64 %shards)")
        hashed = function.let("call i64 @hash(ptr %state)")
        function.do(f"ret i64 {shard_of(function, hashed, '%shards')}")
        return function

    def _find(self) -> Function:
        """The number of a state, or -1."""
        function = Function("i64 @find(ptr %shard, ptr %state)")
        hashed = function.let("call i64 @hash(ptr %state)")
        with self.probing(function, hashed, "%state", table_parts(function)) as (_, _, found):
            pass
        function.do(f"ret i64 {function.get(found)}")
        return function

    def _predecessor(self) -> Function:
        """The first state from NEXT to END that has `%target` as a successor; -1 if none has."""
        function = Function("i64 @predecessor(ptr %shard, ptr %target)")
        let = function.let
        segments, buffer = pointer(function, Slot.SEGMENTS), pointer(function, Slot.BUFFER)
        first, end = number(function, Slot.NEXT), number(function, Slot.END)
        output = function.slot("ptr", buffer)
        with function.counted(first, end) as index:
            function.put(output, buffer, "ptr")
            state = let(f"call ptr @address(ptr {segments}, i64 {index})")
            self.expand(function, state, index, output)
            count = self.distance(function, buffer, function.get(output, "ptr"))
            with function.counted("0", count) as place:
                successor = function.place(buffer, let(f"mul i64 {place}, {self.words}"))
                with function.seldom(self._same(function, successor, "%target")):
                    function.do(f"ret i64 {index}")
                    function.begin(function.label("dead"))
        function.do("ret i64 -1")
        return function
