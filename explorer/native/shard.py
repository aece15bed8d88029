"""A shard: the states it owns, the table to find them again, and room to work in."""

import ctypes
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager

from .codec import Words
from .memory import Allocate, Block
from .program import Program, ProgressCode
from .record import LENGTH, NONE, Kind, place
from .rounds import LINE
from .slots import BATCH, SEGMENT_BITS, Slot

_SEGMENT = 1 << SEGMENT_BITS
_SEGMENTS = 1 << 16
"""Segments that a shard can have: more than memory can hold."""

_SMALLEST = 1 << 16
"""Entries of the first table; it fits into the second level of caches."""

_LARGE = 1 << 22
"""Tables of fewer entries grow fourfold, larger ones twofold."""

_FULLEST = 0.7
"""How full a table gets before it grows."""

UNLIMITED = 1 << 39


class Record:
    """What compiled code found wrong, one finding of each kind."""

    def __init__(self) -> None:
        self.numbers = (ctypes.c_int64 * LENGTH)()
        self.clear()

    @property
    def address(self) -> int:
        """Where compiled code writes."""
        return ctypes.addressof(self.numbers)

    def clear(self) -> None:
        """Forget all findings, and count no broken steps."""
        self.numbers[0] = 0
        self.forget(Kind)

    def forget(self, kinds: Iterable[Kind]) -> None:
        """Forget the findings of `kinds`."""
        for kind in kinds:
            self.numbers[place(kind)] = NONE

    @property
    def broken(self) -> int:
        """Steps that broke a check."""
        return self.numbers[0]

    def rank(self, kind: Kind) -> int:
        """The smallest rank found; `NONE` if nothing was."""
        return self.numbers[place(kind)]

    def state(self, kind: Kind) -> int:
        """The first state with that rank."""
        return self.numbers[place(kind) + 1]


class Shard:
    """The states that one worker owns, in the order of finding.

    Attributes:
        record: what was found wrong in the states expanded.
        taken: a byte for each transition: whether it was enabled in a state expanded.
    """

    def __init__(
        self,
        program: Program,
        transitions: int,
        limit: int = UNLIMITED,
        allocate: Allocate = Block,
        allocate_states: Allocate | None = None,
        smallest: int = _SMALLEST,
    ) -> None:
        """Begin without states; keep no more than `limit`, in blocks that `allocate` makes.

        States can have blocks of another kind. The first table has `smallest` entries, a power of
        two, or as many more as it needs.
        """
        self._allocate, self._allocate_states = allocate, allocate_states or allocate
        self._program, self._transitions = program, transitions
        self._width = 8 * program.layout.words
        self._slots = _numbers(len(Slot))
        self.address = ctypes.addressof(self._slots)
        self._list = Block(8 * _SEGMENTS)
        self._segments: list[Block] = []
        room = BATCH * max(program.room, 1)
        self._buffer, self._hashes = Block(self._width * room), Block(8 * room)
        self._slack = room
        self.record, self.taken = Record(), ctypes.create_string_buffer(max(transitions, 1))
        self._aside = Record(), ctypes.create_string_buffer(max(transitions, 1))
        self._table = Block(8)
        self._marks: Block | None = None
        self._set(Slot.SEGMENTS, self._list.address)
        self._set(Slot.BUFFER, self._buffer.address)
        self._set(Slot.HASHES, self._hashes.address)
        self._set(Slot.LIMIT, min(limit, UNLIMITED))
        self._ends = Block(8 * BATCH)
        self._set(Slot.ENDS, self._ends.address)
        self._all = (ctypes.c_uint64 * 1)(self.address)
        self._set(Slot.ALL, ctypes.addressof(self._all))
        self._boxes = (ctypes.c_uint64 * 0)()
        self._sent = _numbers(1)
        self._set(Slot.SHARDS, 1)
        self._use(self.record, self.taken)
        entries = smallest
        while entries * _FULLEST < 2 * room:
            entries *= 2
        self._new_table(entries)
        self._new_segment()

    def _set(self, slot: Slot, value: int) -> None:
        self._slots[slot] = value

    @property
    def count(self) -> int:
        """States found."""
        return self._slots[Slot.COUNT]

    @property
    def next(self) -> int:
        """The first state that is not expanded."""
        return self._slots[Slot.NEXT]

    @property
    def full(self) -> bool:
        """Whether a state was turned away because of the limit."""
        return bool(self._slots[Slot.FULL])

    @property
    def transitions(self) -> int:
        """Steps computed, including those that break a check."""
        return self._slots[Slot.TRANSITIONS] + self.record.broken

    def explore(self, end: int) -> None:
        """Expand states up to `end` and keep the new ones; stop early when there is no room.

        Near the limit it is one state, so that none is expanded after a state was turned away.
        """
        near = self.count + self._slack > self._slots[Slot.LIMIT]
        self._set(Slot.END, min(end, self.next + 1) if near else end)
        self._program.explore(self.address)

    def join(
        self,
        place: int,
        shards: Sequence[int],
        boxes: Sequence[int],
        meeting: int,
        sent: "ctypes.Array[ctypes.c_int64] | None" = None,
    ) -> None:
        """Become shard `place` of those at `shards`; what is sent to each goes to its box.

        `sent` counts what lies in the boxes, if several shards send to the same.
        """
        self._all = (ctypes.c_uint64 * len(shards))(*shards)
        self._boxes = (ctypes.c_uint64 * len(boxes))(*boxes)
        self._sent = _numbers(len(boxes)) if sent is None else sent
        for slot, array in (
            (Slot.ALL, self._all),
            (Slot.OUTBOX, self._boxes),
            (Slot.SENT, self._sent),
        ):
            self._set(slot, ctypes.addressof(array))
        self._set(Slot.SHARDS, len(shards))
        self._set(Slot.SELF, place)
        self._set(Slot.MEETING, meeting)

    def deal(self, address: int, count: int) -> None:
        """Add `count` states at `address` to what is in the boxes of their owners."""
        self._program.deal(self.address, address, count)

    def send(self, end: int) -> None:
        """Expand states up to `end` and add all successors to what is in the boxes."""
        capacity = self._slots[Slot.CAPACITY]
        self._set(Slot.CAPACITY, UNLIMITED)  # nothing is inserted here
        self._set(Slot.END, end)
        self._program.scatter(self.address)
        self._set(Slot.CAPACITY, capacity)

    def empty_boxes(self) -> None:
        """Forget what is in the boxes."""
        for receiver in range(len(self._sent)):
            self._sent[receiver] = 0

    def work(self, goal: int, size: int, rounds: int) -> None:
        """Take part in up to `rounds` rounds; expand up to `size` states in each, to `goal`."""
        self._program.work(self.address, goal, size, rounds)

    def scatter(self, end: int) -> None:
        """Expand states up to `end`; keep what is new here and put the rest into the boxes."""
        self.empty_boxes()
        self._set(Slot.END, end)
        self._set(Slot.WAITING, 1)
        self._program.scatter(self.address)

    @property
    def waiting(self) -> bool:
        """Whether what the others have sent is still in their boxes."""
        return bool(self._slots[Slot.WAITING])

    def taken_in(self) -> None:
        """Note that it is not."""
        self._set(Slot.WAITING, 0)

    def sent(self, receiver: int) -> int:
        """How many states are in the box for shard `receiver`."""
        return self._sent[receiver]

    def gather(self, box: int, done: int, count: int) -> int:
        """Insert the states from `done` to `count` of the box at `box`; say how many it were."""
        return self._program.gather(self.address, box, done, count)

    @property
    def growth(self) -> int:
        """Bytes that `grow` would ask for; 0 if there is room for one more batch."""
        if self.count <= self._slots[Slot.CAPACITY]:
            return 0
        wanted = 0 if self._has_segment() else _SEGMENT * self._width
        return wanted + (0 if self._has_table() else 4 * 8 * self._entries)

    def ready(self, may_grow: Callable[[int], bool]) -> bool:
        """Whether there is room for one more batch, made if `may_grow` allows so many bytes."""
        return not self.growth or (may_grow(self.growth) and self.grow())

    def grow(self) -> bool:
        """Make room for one more batch; say whether the operating system had the memory."""
        try:
            while not self._has_segment():
                self._new_segment()
            if not self._has_table():
                self._new_table(self._entries * (4 if self._entries < _LARGE else 2))
                self._program.rebuild(self.address)
        except OSError:  # what was found stays readable, but nothing can be looked up any more
            return False
        return True

    @property
    def _entries(self) -> int:
        return self._slots[Slot.MASK] + 1

    def _has_segment(self) -> bool:
        return self.count + self._slack <= len(self._segments) * _SEGMENT

    def _has_table(self) -> bool:
        return self.count + self._slack <= self._entries * _FULLEST

    def _new_segment(self) -> None:
        block = self._allocate_states(_SEGMENT * self._width)
        entry = ctypes.c_uint64.from_address(self._list.address + 8 * len(self._segments))
        entry.value = block.address
        self._segments.append(block)
        self._limit()

    def _new_table(self, entries: int) -> None:
        self._table.free()  # the states are elsewhere, so old and new table need not coexist
        self._table = self._allocate(8 * entries)
        self._set(Slot.TABLE, self._table.address)
        self._set(Slot.MASK, entries - 1)
        self._limit()

    def _limit(self) -> None:
        space = min(len(self._segments) * _SEGMENT, int(self._entries * _FULLEST))
        self._set(Slot.CAPACITY, space - self._slack)

    def pieces(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        """Where the states from `start` to `end` lie: addresses and numbers of states."""
        while start < end:
            place = start & (_SEGMENT - 1)
            count = min(end - start, _SEGMENT - place)
            yield self._segments[start >> SEGMENT_BITS].address + place * self._width, count
            start += count

    def begin_at(self, number: int) -> None:
        """Take the states before `number` for expanded."""
        self._set(Slot.NEXT, number)

    def find(self, words: Words) -> int:
        """The number of the state `words`, or -1."""
        state = (ctypes.c_uint64 * len(words))(*words)
        return self._program.find(self.address, ctypes.addressof(state))

    def rest(self) -> None:
        """Give back memory that is also in files."""
        for block in (*self._segments, self._table, *([self._marks] if self._marks else [])):
            block.rest()

    def free(self) -> None:
        """Give all memory back; the shard is of no more use."""
        for block in (*self._segments, self._table, *([self._marks] if self._marks else [])):
            block.free()

    def words(self, number: int) -> Words:
        """State `number`."""
        block = self._segments[number >> SEGMENT_BITS]
        start = (number & (_SEGMENT - 1)) * self._width
        words = (ctypes.c_uint64 * (self._width // 8)).from_address(block.address + start)
        return tuple(words)

    def _use(self, record: Record, taken: "ctypes.Array[ctypes.c_char]") -> None:
        self._set(Slot.RECORD, record.address)
        self._set(Slot.TAKEN, ctypes.addressof(taken))

    @contextmanager
    def _looking(self, start: int, end: int) -> Generator[Record]:
        """Make calls look at the states from `start` to `end`, and leave no trace of it."""
        kept = [self._slots[slot] for slot in (Slot.NEXT, Slot.END, Slot.CAPACITY)]
        record, taken = self._aside
        record.clear()
        self._use(record, taken)
        self._set(Slot.NEXT, start)
        self._set(Slot.END, end)
        self._set(Slot.CAPACITY, UNLIMITED)
        try:
            yield record
        finally:
            self._use(self.record, self.taken)
            for slot, value in zip((Slot.NEXT, Slot.END, Slot.CAPACITY), kept, strict=True):
                self._set(slot, value)

    def inspect(self, start: int, end: int) -> Record:
        """What is wrong with the states from `start` to `end`; good until asked again."""
        with self._looking(start, end) as record:
            self._program.inspect(self.address)
        return record

    def predecessor(self, start: int, end: int, words: Words) -> int:
        """The first state from `start` to `end` with a step to the state `words`, or -1."""
        target = (ctypes.c_uint64 * len(words))(*words)
        with self._looking(start, end):
            return self._program.predecessor(self.address, ctypes.addressof(target))

    def begin_marks(self, code: ProgressCode) -> None:
        """Mark the states where a goal of `code` holds."""
        if self._marks is None:
            self._marks = self._allocate(self._program.mark_size * max(self.count, 1))
            self._set(Slot.MARKS, self._marks.address)
        code.begin(self.address)

    def sweep(self, code: ProgressCode, start: int, stop: int) -> bool:
        """Spread marks backwards through the batches from `start` to `stop`, the last found first.

        Says whether any mark changed.
        """
        with self._looking(0, 0):
            asked = (code.full, code.still, code.steps)
            changed = self._program.sweep(self.address, *asked, start, stop)
            return bool(changed)

    @property
    def batches(self) -> int:
        """Batches of states found."""
        return -(-self.count // BATCH)

    def missing(self, code: ProgressCode) -> list[int]:
        """For each condition of `code` the first live state without a mark, or -1."""
        found = (ctypes.c_int64 * code.conditions)(*[-1] * code.conditions)
        code.missing(self.address, ctypes.addressof(found))
        return list(found)


def _numbers(count: int) -> "ctypes.Array[ctypes.c_int64]":
    """Numbers that share no line of a cache with what another worker writes."""
    return (ctypes.c_int64 * (count + 2 * LINE))()
