"""Several workers: each owns a shard, and sends every successor to the shard that owns it.

A round has two halves. In the first each worker expands some of its own states, keeps what it owns
and puts the other successors into boxes; in the second each takes in what was sent to it. Between
the halves all wait for each other, so no two workers ever touch one table, and what is found does
not depend on who is faster. Compiled code holds no interpreter lock, so the workers are threads.
"""

import ctypes
import sys
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from .memory import Block
from .rounds import LINE, Meeting
from .shard import Shard

ROUND = 1 << 13
"""States of one shard that are expanded in one round."""

ROUNDS = 8
"""Rounds between two looks at the clock."""

ALONE = 1 << 10
"""With fewer states than this in a level, waking threads costs more than they do."""


class Exchange:
    """The workers of a search on several shards."""

    def __init__(self, shards: Sequence[Shard], room: int, width: int) -> None:
        """Let `shards` know each other; states have up to `room` successors of `width` bytes."""
        self._shards = shards
        self._threads = ThreadPoolExecutor(len(shards), "dirql")
        size = ROUND * max(room, 1) * width
        self._boxes = [[Block(size) for _ in shards] for _ in shards]
        self._meeting = (ctypes.c_int64 * (Meeting.STATUS + LINE * len(shards)))()
        self._meeting[Meeting.YIELD] = _yield_address()
        addresses = [shard.address for shard in shards]
        for place, shard in enumerate(shards):
            boxes = [box.address for box in self._boxes[place]]
            shard.join(place, addresses, boxes, ctypes.addressof(self._meeting))

    def close(self) -> None:
        """End the threads."""
        self._threads.shutdown()

    def advance(self, ends: Sequence[int], may_grow: Callable[[int], bool]) -> bool:
        """Expand some states of each shard before its end; say whether memory sufficed."""
        shards = self._shards
        if not all(self.together([_growing(shard, may_grow) for shard in shards])):
            return False
        pairs = list(zip(shards, ends, strict=True))
        if sum(end - shard.next for shard, end in pairs) < ALONE:
            for shard, end in pairs:
                shard.scatter(min(end, shard.next + ROUND))
        else:
            self._meeting[Meeting.ARRIVED] = self._meeting[Meeting.ABANDONED] = 0
            self.together([_working(shard, end) for shard, end in pairs])
        return all(self._take_in(place, may_grow) for place in range(len(shards)))

    def together(self, tasks: Iterable[Callable[[], bool]]) -> list[bool]:
        """What each of `tasks` gives, done at the same time."""
        futures: list[Future[bool]] = []
        try:
            futures += [self._threads.submit(task) for task in tasks]
            return [future.result() for future in futures]
        except BaseException:
            # Whoever waits for a worker that was never started would wait for ever.
            self._meeting[Meeting.ABANDONED] = 1
            raise

    def _take_in(self, place: int, may_grow: Callable[[int], bool]) -> bool:
        shard = self._shards[place]
        if not shard.waiting:
            return True
        for sender, boxes in zip(self._shards, self._boxes, strict=True):
            done, count = 0, sender.sent(place) if sender is not shard else 0
            while done < count:
                if not shard.ready(may_grow):
                    return False
                done += shard.gather(boxes[place].address, done, count)
        shard.taken_in()
        return True


def _growing(shard: Shard, may_grow: Callable[[int], bool]) -> Callable[[], bool]:
    return lambda: shard.ready(may_grow)


def _working(shard: Shard, end: int) -> Callable[[], bool]:
    def work() -> bool:
        shard.work(end, ROUND, ROUNDS)
        return True

    return work


def _yield_address() -> int:
    """Where the function is that lets another thread run."""
    if sys.platform == "win32":
        found = ctypes.WinDLL("kernel32").SwitchToThread
    else:
        found = ctypes.CDLL(None).sched_yield
    return ctypes.cast(found, ctypes.c_void_p).value or 0
