"""One worker whose shards lie on disk: a search that needs more memory than it may have.

It is the exchange between workers with another exchange: the successors of a level are sent to
the boxes of their owners, which are files, and then one shard after another takes in its box. So
only the table and the states of one shard are needed at a time; the pages of the others are given
back whenever the process is larger than it may be. Everything is read and written in the order in
which it lies on the disk, but for the one shard.

Files have no names: whatever ends the process, nothing is left behind.
"""

import ctypes
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack
from functools import partial
from pathlib import Path
from typing import IO

from ..budget import resident_memory
from .crew import PART, MayGrow, anything, take
from .memory import Block
from .program import Program, ProgressCode
from .shard import Shard

SHARDS = 16
"""Shards on disk: beside what the process needs anyway, memory for a sixteenth is enough."""

FULL = 1 << 16
"""Bytes in a box before they are written to its file, at least: more where there is memory."""

ROUND = 1 << 11
"""States expanded between two looks at the boxes."""

_SMALLEST = 1 << 12


class Spill:
    """A worker with shards in files."""

    def __init__(self, program: Program, transitions: int, folder: Path, memory: int) -> None:
        """Keep everything in `folder`, and the process below `memory` bytes if possible.

        Raises:
            OSError: the folder cannot be written, or its disk is full.
        """
        self._memory, self._width = memory, 8 * program.layout.words
        allocate = partial(Block, folder=folder)
        self.shards: Sequence[Shard] = [
            Shard(program, transitions, allocate=allocate, smallest=_SMALLEST)
            for _ in range(SHARDS)
        ]
        self._open = ExitStack()
        self._files = [self._open.enter_context(_nameless(folder)) for _ in range(SHARDS)]
        self._written = [0] * SHARDS
        self._awake: list[Shard] = []  # those that may have pages in memory
        room = ROUND * max(program.room, 1) * self._width
        self._full, self._fullest = FULL, max(FULL, memory // 8 // SHARDS)
        self._boxes = [Block(self._fullest + room) for _ in range(SHARDS)]
        self._buffer = Block(max(FULL, self._width))
        # There is one set of boxes, and no shard is the one that expands: each takes in later
        # what it is sent, from itself as well.
        addresses = [box.address for box in self._boxes]
        self._sent = (ctypes.c_int64 * (SHARDS + 1))()
        for shard in self.shards:
            everyone = [other.address for other in self.shards]
            shard.join(SHARDS, everyone, [*addresses, addresses[0]], 0, sent=self._sent)

    def close(self) -> None:
        """See `Crew`."""
        self._open.close()

    def rest(self) -> None:
        """See `Crew`."""
        self._give_back(self.shards)

    def _done(self, shard: Shard) -> None:
        """Give back the memory of `shard` and of those before it, if the process is too large."""
        self._awake.append(shard)
        if self._give_back(self._awake):
            self._awake.clear()

    def _give_back(self, shards: Sequence[Shard]) -> bool:
        if resident_memory() < self._memory:
            return False
        for shard in shards:
            shard.rest()
        return True

    def expand(self, ends: Sequence[int], may_grow: MayGrow) -> Iterator[None]:
        """See `Crew`; room on the disk is not asked for."""
        del may_grow
        self.rest()
        spare = (self._memory - resident_memory()) // 2 // SHARDS
        self._full = min(self._fullest, max(FULL, spare))
        for shard, end in zip(self.shards, ends, strict=True):
            while shard.next < end:
                shard.send(min(end, shard.next + ROUND))
                self._post()
                yield
            self._done(shard)
        yield from self._deliver()

    def receive(self, address: int, count: int, may_grow: MayGrow) -> None:
        """See `Crew`."""
        del may_grow
        for start in range(0, count, ROUND):
            self.shards[0].deal(address + start * self._width, min(ROUND, count - start))
            self._post()
        for _ in self._deliver():
            pass

    def sweep(self, code: ProgressCode) -> Iterator[bool]:
        """See `Crew`; looks successors up wherever they lie, so much is read again and again."""
        for shard in self.shards:
            for start in range(0, shard.batches, PART):
                yield shard.sweep(code, start, start + PART)
                self.rest()

    def _post(self) -> None:
        """Write full boxes to their files."""
        for place in range(SHARDS):
            size = self._sent[place] * self._width
            if size >= self._full:
                self._files[place].write(ctypes.string_at(self._boxes[place].address, size))
                self._written[place] += self._sent[place]
                self._sent[place] = 0

    def _deliver(self) -> Iterator[None]:
        """Let every shard take in its box."""
        for place, shard in enumerate(self.shards):
            if not self._written[place] and not self._sent[place]:
                continue
            for count in self._unpacked(place):
                take(shard, self._buffer.address, count, anything)
                yield
            take(shard, self._boxes[place].address, self._sent[place], anything)
            self._sent[place] = 0
            self._done(shard)
            yield

    def _unpacked(self, place: int) -> Iterator[int]:
        """Read the file of a box, part by part, into the buffer; give the states of each part."""
        file, left = self._files[place], self._written[place]
        file.seek(0)
        most = self._buffer.size // self._width
        while left:
            count = min(left, most)
            part = file.read(count * self._width)
            if len(part) != count * self._width:
                raise OSError("a box on disk is shorter than what was written to it")
            ctypes.memmove(self._buffer.address, part, len(part))
            yield count
            left -= count
        file.seek(0)
        file.truncate()
        self._written[place] = 0


def _nameless(folder: Path) -> AbstractContextManager[IO[bytes]]:
    return tempfile.TemporaryFile(dir=folder)
