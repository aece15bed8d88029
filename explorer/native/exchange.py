"""Several workers: each owns a shard, and sends every successor to the shard that owns it.

A round has two halves. In the first each worker expands some of its own states, keeps what it owns
and puts the other successors into boxes; in the second each takes in what was sent to it. Between
the halves all wait for each other, so no two workers ever touch one table, and what is found does
not depend on who is faster. Compiled code holds no interpreter lock, so the workers are threads.
"""

import ctypes
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial

from .crew import PART, MayGrow, StarvedError, take
from .memory import Block
from .program import ProgressCode
from .rounds import LINE, Meeting
from .shard import Shard

ROUND = 1 << 13
"""States of one shard that are expanded in one round."""

ROUNDS = 8
"""Rounds between two looks at the clock."""

ALONE = 1 << 10
"""With fewer states than this to expand, waking threads costs more than they do."""


class Exchange:
    """The workers of a search on several shards."""

    def __init__(self, shards: Sequence[Shard], room: int, width: int) -> None:
        """Let `shards` know each other; states have up to `room` successors of `width` bytes."""
        self.shards = shards
        self._threads = ThreadPoolExecutor(len(shards), "dirql")
        self._round, self._width = ROUND, width
        size = self._round * max(room, 1) * width
        self._boxes = [[Block(size) for _ in shards] for _ in shards]
        self._meeting = (ctypes.c_int64 * (Meeting.STATUS + LINE * len(shards)))()
        self._meeting[Meeting.YIELD] = _yield_address()
        addresses = [shard.address for shard in shards]
        for place, shard in enumerate(shards):
            boxes = [box.address for box in self._boxes[place]]
            shard.join(place, addresses, boxes, ctypes.addressof(self._meeting))

    def close(self) -> None:
        """See `Crew`."""
        self._threads.shutdown()

    def rest(self) -> None:
        """See `Crew`."""

    def expand(self, ends: Sequence[int], may_grow: MayGrow) -> Iterator[None]:
        """See `Crew`."""
        pairs = list(zip(self.shards, ends, strict=True))
        while any(shard.next < end for shard, end in pairs):
            if not all(self._together([partial(shard.ready, may_grow) for shard in self.shards])):
                raise StarvedError
            left = [partial(self._take_in, place, may_grow) for place in range(len(pairs))]
            if sum(end - shard.next for shard, end in pairs) < ALONE:
                for shard, end in pairs:
                    shard.scatter(min(end, shard.next + self._round))
                for task in left:
                    task()
            else:
                self._meeting[Meeting.ARRIVED] = self._meeting[Meeting.ABANDONED] = 0
                self._together([partial(self._work, shard, end) for shard, end in pairs])
                self._together(left)
            yield

    def _work(self, shard: Shard, end: int) -> bool:
        try:
            shard.work(end, self._round, ROUNDS)
        except BaseException:
            self._meeting[Meeting.ABANDONED] = 1  # nobody shall wait for this worker
            raise
        return True

    def receive(self, address: int, count: int, may_grow: MayGrow) -> None:
        """See `Crew`."""
        first = self.shards[0]
        for start in range(0, count, self._round):
            size = min(self._round, count - start)
            first.empty_boxes()
            first.deal(address + start * self._width, size)
            for place, shard in enumerate(self.shards):
                take(shard, self._boxes[0][place].address, first.sent(place), may_grow)

    def sweep(self, code: ProgressCode) -> Iterator[bool]:
        """See `Crew`."""
        for start in range(0, max(shard.batches for shard in self.shards), PART):
            yield any(
                self._together(
                    [partial(shard.sweep, code, start, start + PART) for shard in self.shards]
                )
            )

    def _together(self, tasks: Iterable[Callable[[], bool]]) -> list[bool]:
        """What each of `tasks` gives, done at the same time."""
        futures: list[Future[bool]] = []
        try:
            futures += [self._threads.submit(task) for task in tasks]
            return [future.result() for future in futures]
        except BaseException:
            # Whoever waits for a worker that was never started would wait for ever.
            self._meeting[Meeting.ABANDONED] = 1
            raise

    def _take_in(self, place: int, may_grow: MayGrow) -> bool:
        shard = self.shards[place]
        if not shard.waiting:
            return True
        for sender, boxes in zip(self.shards, self._boxes, strict=True):
            if sender is not shard:
                take(shard, boxes[place].address, sender.sent(place), may_grow)
        shard.taken_in()
        return True


def _yield_address() -> int:
    """Where the function is that lets another thread run."""
    if sys.platform == "win32":
        found = ctypes.WinDLL("kernel32").SwitchToThread
    else:
        found = ctypes.CDLL(None).sched_yield
    return ctypes.cast(found, ctypes.c_void_p).value or 0
