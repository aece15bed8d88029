"""Several workers: each owns a shard, and sends every successor to the shard that owns it.

A round has two halves. In the first each worker expands some of its own states and sorts their
successors by owner; in the second each takes in what was sent to it. Between the halves all wait
for each other, so no two workers ever touch one table, and what is found does not depend on who is
faster. Compiled code holds no interpreter lock, so the workers are threads.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from .memory import Block
from .shard import Shard

ROUND = 1 << 13
"""States of one shard that are expanded in one round."""

ALONE = 1 << 10
"""With fewer states than this in a round, waking threads costs more than they do."""


class Exchange:
    """The workers of a search on several shards."""

    def __init__(self, shards: Sequence[Shard], room: int, width: int) -> None:
        """Let `shards` know each other; states have up to `room` successors of `width` bytes."""
        self._shards = shards
        self._threads = ThreadPoolExecutor(max(1, len(shards) - 1), "dirql")
        size = ROUND * max(room, 1) * width
        self._boxes = [[Block(size) for _ in shards] for _ in shards]
        addresses = [shard.address for shard in shards]
        for place, shard in enumerate(shards):
            shard.join(addresses, [box.address for box in self._boxes[place]])

    def close(self) -> None:
        """End the threads."""
        self._threads.shutdown()

    def round(self, ends: Sequence[int], may_grow: Callable[[int], bool]) -> bool:
        """Expand some states of each shard before its end; say whether memory sufficed."""
        stops = [
            min(end, shard.next + ROUND) for shard, end in zip(self._shards, ends, strict=True)
        ]
        states = sum(stop - shard.next for shard, stop in zip(self._shards, stops, strict=True))
        self.together(lambda place: self._shards[place].scatter(stops[place]), states)
        return all(self.together(lambda place: self._take_in(place, may_grow), states))

    def together(self, work: Callable[[int], bool], states: int) -> list[bool]:
        """What `work` gives for each shard, at the same time if there are `states` enough."""
        places = range(len(self._shards))
        if states < ALONE:
            return [work(place) for place in places]
        others = [self._threads.submit(work, place) for place in places[1:]]
        return [work(0), *(other.result() for other in others)]

    def _take_in(self, place: int, may_grow: Callable[[int], bool]) -> bool:
        shard = self._shards[place]
        for sender, boxes in zip(self._shards, self._boxes, strict=True):
            done, count = 0, sender.sent(place)
            while done < count:
                if not shard.ready(may_grow):
                    return False
                done += shard.gather(boxes[place].address, done, count)
        return True
