"""The states found so far, level by level, on one shard or several."""

import ctypes
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import overload

from dirql.model.machine import Machine

from ..evaluate import State
from .codec import Words
from .crew import Alone, Crew, MayGrow, StarvedError, always, anything
from .exchange import Exchange
from .memory import Block
from .program import Program, ProgressCode
from .record import NONE, Kind
from .shard import UNLIMITED, Record, Shard
from .spill import Spill

SHARD_SHIFT = 40
"""The number of a state is its number in its shard, with the shard above this bit."""

_CHUNK = 1 << 15
"""States copied together."""


@dataclass(frozen=True, slots=True)
class Found:
    """A finding of compiled code: its rank and the number of the state."""

    rank: int
    state: int


class Space(Sequence[State]):
    """All states found; `space[number]` is one of them.

    Attributes:
        levels: for each level, where it begins in each shard; the last entry is the end.
        counted: the states of all levels.
        width: bytes of a state.
        on_disk: whether all this lies in files.
        starved: whether there was no memory to go on.
    """

    def __init__(
        self,
        program: Program,
        machine: Machine,
        limit: int | None = None,
        workers: int = 1,
        states_in: Path | None = None,
    ) -> None:
        """Keep at most `limit` states; `workers` share the work if there is no limit.

        States are kept in files in the folder `states_in`, if it is given: they are seldom read
        again where fingerprints tell them apart.
        """
        self._program, self._limit = program, limit
        self._count = len(machine.transitions)
        if limit is not None:
            workers = 1  # so that the limit means the same states however many there are
        shards = [
            Shard(
                program,
                self._count,
                UNLIMITED if limit is None else limit,
                allocate_states=partial(Block, folder=states_in) if states_in else None,
            )
            for _ in range(workers)
        ]
        self.on_disk = self.starved = False
        self.width = 8 * program.layout.words
        self._crew: Crew = Alone(shards[0])
        if workers > 1:
            self._crew = Exchange(shards, program.room, self.width)
        self.levels = [[0] * workers]
        self.counted = 0

    @property
    def shards(self) -> Sequence[Shard]:
        """All shards."""
        return self._crew.shards

    def begin(self, may_go_on: Callable[[], bool] = always) -> None:
        """Find the initial states: level 0; fewer of them when `may_go_on` refuses.

        Raises:
            StarvedError: there is not enough memory.
            OSError: the disk is full.
        """
        words = self._program.layout.initial()
        while not self.full and (chunk := list(islice(words, _CHUNK))):
            values = (ctypes.c_uint64 * (len(chunk) * len(chunk[0])))(*chain(*chunk))
            self._crew.receive(ctypes.addressof(values), len(chunk), anything)
            if len(chunk) == _CHUNK and not may_go_on():
                break
        self.close_level()

    def restore(
        self, levels: Iterable[Iterable[bytes]], may_go_on: Callable[[], bool] = always
    ) -> bool:
        """Take in the states of levels that were closed before, as `packed` gave them.

        The last of them is not expanded yet. Says whether it is all there: it is not when
        `may_go_on` refused.

        Raises:
            StarvedError: there is not enough memory.
            OSError: the disk is full.
        """
        for level in levels:
            for piece in level:
                if not may_go_on():
                    self.close_level()
                    return False
                buffer = ctypes.create_string_buffer(piece, len(piece))
                self._crew.receive(ctypes.addressof(buffer), len(piece) // self.width, anything)
            self.close_level()
        self._expect_last()
        return True

    def packed(self, level: int) -> Iterator[bytes]:
        """The states of `level`, packed one behind the other."""
        width = self.width
        ranges = zip(self.shards, self.levels[level], self.levels[level + 1], strict=True)
        for shard, start, end in ranges:
            for address, count in shard.pieces(start, end):
                for first in range(0, count, _CHUNK):
                    size = min(_CHUNK, count - first)
                    yield ctypes.string_at(address + first * width, size * width)
            self._crew.rest()

    def move_to_disk(self, folder: Path, memory: int) -> None:
        """Go on with shards in `folder`; what was found after the last closed level is forgotten.

        Raises:
            OSError: the folder cannot be written, or its disk is full.
        """
        spill = Spill(self._program, self._count, folder, memory)
        starts: list[list[int]] = [[0] * len(spill.shards)]
        try:
            for level in range(len(self.levels) - 1):
                for piece in self.packed(level):
                    buffer = ctypes.create_string_buffer(piece, len(piece))
                    spill.receive(ctypes.addressof(buffer), len(piece) // self.width, anything)
                starts.append([shard.count for shard in spill.shards])
        except StarvedError as error:
            raise OSError("there is no room left on the disk") from error
        before = self._crew
        self._crew, self.levels = spill, starts
        self.on_disk, self.starved = True, False
        self._expect_last()
        before.close()
        for shard in before.shards:
            shard.free()

    def _expect_last(self) -> None:
        """Take all levels but the last for expanded."""
        if len(self.levels) == 1:
            return
        for shard, start in zip(self.shards, self.levels[-2], strict=True):
            shard.begin_at(start)

    def _counts(self) -> list[int]:
        return [shard.count for shard in self.shards]

    @overload
    def __getitem__(self, number: int) -> State: ...
    @overload
    def __getitem__(self, number: slice) -> Sequence[State]: ...
    def __getitem__(self, number: int | slice) -> State | Sequence[State]:
        if isinstance(number, slice):
            raise TypeError("states are asked for one by one")
        return self._program.layout.unpack(self.words(number))

    def __len__(self) -> int:
        return sum(self._counts())

    def states(self) -> Iterator[State]:
        """All states, in no order that means anything."""
        for place, shard in enumerate(self.shards):
            for local in range(shard.count):
                yield self[place << SHARD_SHIFT | local]

    def find(self, words: Words) -> int:
        """The number of the state `words`, which was found."""
        place = self._program.owner(words, len(self.shards))
        return place << SHARD_SHIFT | self.shards[place].find(words)

    def words(self, number: int) -> Words:
        """State `number`, packed."""
        return self.shards[number >> SHARD_SHIFT].words(number & ((1 << SHARD_SHIFT) - 1))

    @property
    def transitions(self) -> int:
        """Steps computed, including those that break a check."""
        return sum(shard.transitions for shard in self.shards)

    @property
    def full(self) -> bool:
        """Whether a state was turned away because of the limit."""
        if self.on_disk and self._limit is not None:
            return len(self) >= self._limit
        return any(shard.full for shard in self.shards)

    def taken(self) -> frozenset[int]:
        """The transitions that were enabled in some expanded state."""
        return frozenset(
            index for shard in self.shards for index, byte in enumerate(shard.taken.raw) if byte
        )

    def level_size(self) -> int:
        """States of the last level."""
        return sum(self.levels[-1]) - sum(self.levels[-2])

    def slices(self, may_grow: MayGrow) -> Iterator[None]:
        """Expand the last level, slice by slice; stop when `may_grow` refuses so many bytes."""
        try:
            yield from self._crew.expand(self.levels[-1], may_grow)
        except (StarvedError, OSError):  # of memory, or of room on a disk
            self.starved = True

    def sweep(self, code: ProgressCode) -> Iterator[bool]:
        """Spread marks backwards once, part by part; say of each whether any changed."""
        return self._crew.sweep(code)

    def close(self) -> None:
        """End the workers; what was found stays."""
        self._crew.close()

    def close_level(self) -> None:
        """The states found since the last call are the next level."""
        self.levels.append(self._counts())
        self.counted = len(self)
        if self._program.fingerprint:
            for shard in self.shards:
                shard.rest()

    def found(self, kind: Kind) -> Found | None:
        """The finding of smallest rank while the last level was expanded."""
        return _best(kind, [shard.record for shard in self.shards])

    def forget(self, kinds: Sequence[Kind]) -> None:
        """Begin anew to look for findings of `kinds`."""
        for shard in self.shards:
            shard.record.forget(kinds)

    def inspect(self) -> "Inspection":
        """What is wrong with the states of the last level, whether they were expanded or not."""
        return Inspection(
            [
                shard.inspect(start, end)
                for shard, start, end in zip(
                    self.shards, self.levels[-2], self.levels[-1], strict=True
                )
            ]
        )

    def before(self, number: int, level: int) -> int:
        """The first state of `level` with a step to state `number`."""
        words = self.words(number)
        ranges = zip(self.shards, self.levels[level], self.levels[level + 1], strict=True)
        for place, (shard, start, end) in enumerate(ranges):
            found = shard.predecessor(start, end, words)
            if found >= 0:
                return place << SHARD_SHIFT | found
        raise AssertionError(f"state {number} has no predecessor in level {level}")

    def level_of(self, number: int) -> int:
        """The level of state `number`."""
        place, local = number >> SHARD_SHIFT, number & ((1 << SHARD_SHIFT) - 1)
        return sum(starts[place] <= local for starts in self.levels[1:])


class Inspection:
    """Records of a look at some states."""

    def __init__(self, records: list[Record]) -> None:
        self._records = records

    def found(self, kind: Kind) -> Found | None:
        """The finding of smallest rank."""
        return _best(kind, self._records)


def _best(kind: Kind, records: list[Record]) -> Found | None:
    """The finding of smallest rank; of equal ones that of the first shard."""
    found = [
        Found(record.rank(kind), place << SHARD_SHIFT | record.state(kind))
        for place, record in enumerate(records)
        if record.rank(kind) != NONE
    ]
    return min(found, key=lambda item: item.rank, default=None)
