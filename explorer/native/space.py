"""The states found so far, level by level, on one shard or several."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import overload

from dirql.model.machine import Machine

from ..evaluate import State
from .codec import Words
from .exchange import Exchange
from .program import Program
from .record import NONE, Kind
from .shard import UNLIMITED, Record, Shard

SHARD_SHIFT = 40
"""The number of a state is its number in its shard, with the shard above this bit."""

SLICE = 1 << 14
"""States expanded between two looks at the clock."""


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
        starved: whether there was no memory to go on.
    """

    def __init__(
        self, program: Program, machine: Machine, limit: int | None = None, workers: int = 1
    ) -> None:
        """Find the initial states, at most `limit`; `workers` share the work if there is none."""
        self._program = program
        count = len(machine.transitions)
        if limit is not None:
            workers = 1  # so that the limit means the same states however many there are
        self.shards = [
            Shard(program, count, UNLIMITED if limit is None else limit) for _ in range(workers)
        ]
        self.starved = False
        self._exchange: Exchange | None = None
        if workers == 1:
            self.shards[0].add(program.layout.initial())
        else:
            self._exchange = Exchange(self.shards, program.room, 8 * program.layout.words)
            for words in program.layout.initial():
                self.shards[program.owner(words, workers)].add([words])
        self.levels = [[0] * len(self.shards), self._counts()]

        self.counted = len(self)

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
        return any(shard.full for shard in self.shards)

    def taken(self) -> frozenset[int]:
        """The transitions that were enabled in some expanded state."""
        return frozenset(
            index for shard in self.shards for index, byte in enumerate(shard.taken.raw) if byte
        )

    def level_size(self) -> int:
        """States of the last level."""
        return sum(self.levels[-1]) - sum(self.levels[-2])

    def slices(self, may_grow: Callable[[int], bool]) -> Iterator[None]:
        """Expand the last level, slice by slice; stop when `may_grow` refuses so many bytes."""
        if self._exchange is not None:
            ends = self.levels[-1]
            while any(shard.next < end for shard, end in zip(self.shards, ends, strict=True)):
                if not self._exchange.advance(ends, may_grow):
                    self.starved = True
                    return
                yield
            return
        for shard, end in zip(self.shards, self.levels[-1], strict=True):
            while shard.next < end and not shard.full:
                if not shard.ready(may_grow):
                    self.starved = True
                    return
                shard.explore(min(end, shard.next + SLICE))
                yield

    def sweep(self, full: int) -> bool:
        """Spread marks backwards once; say whether any changed."""
        if self._exchange is None:
            return self.shards[0].sweep(full)
        shards = self.shards
        return any(self._exchange.together([partial(shard.sweep, full) for shard in shards]))

    def close(self) -> None:
        """End the workers; what was found stays."""
        if self._exchange is not None:
            self._exchange.close()
            self._exchange = None

    def close_level(self) -> None:
        """The states found since the last call are the next level."""
        self.levels.append(self._counts())
        self.counted = len(self)

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
