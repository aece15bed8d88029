"""Who expands the states: the contract of a crew, and the crew of one worker with one shard.

A crew owns shards. Each state belongs to the shard that its hash says, so however many there are
and wherever they lie, the same states are found in the same levels.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol, TypeAlias

from .program import ProgressCode
from .shard import Shard

SLICE = 1 << 14
"""States expanded between two looks at the clock."""

PART = 1 << 10
"""Batches through which marks are spread between two looks at the clock."""

MayGrow: TypeAlias = Callable[[int], bool]
"""Asked before so many bytes of memory are taken."""


def anything(_: int) -> bool:
    """A `MayGrow` that never refuses: what is taken was there before, or is room on a disk."""
    return True


def always() -> bool:
    """Whether to go on, where no limit matters."""
    return True


class StarvedError(Exception):
    """There was no memory to go on. What was found stays readable."""


class Crew(Protocol):
    """Workers and their shards."""

    shards: Sequence[Shard]

    def expand(self, ends: Sequence[int], may_grow: MayGrow) -> Iterator[None]:
        """Expand the states of each shard before its end, slice by slice.

        Raises:
            StarvedError: `may_grow` refused, or the operating system did.
        """
        ...

    def receive(self, address: int, count: int, may_grow: MayGrow) -> None:
        """Take in `count` states from outside, packed one behind the other at `address`.

        Raises:
            StarvedError: as `expand`.
        """
        ...

    def sweep(self, code: ProgressCode) -> Iterator[bool]:
        """Spread marks backwards once, part by part; say of each whether any changed."""
        ...

    def rest(self) -> None:
        """Give back memory that can be read again from files."""
        ...

    def close(self) -> None:
        """End the workers; what was found stays."""
        ...


class Alone:
    """One worker, one shard, nothing to exchange."""

    def __init__(self, shard: Shard) -> None:
        """Search on `shard`."""
        self.shards: Sequence[Shard] = (shard,)

    def expand(self, ends: Sequence[int], may_grow: MayGrow) -> Iterator[None]:
        """See `Crew`; ends early when a state was turned away because of a limit."""
        (shard,), (end,) = self.shards, ends
        while shard.next < end and not shard.full:
            if not shard.ready(may_grow):
                raise StarvedError
            shard.explore(min(end, shard.next + SLICE))
            yield

    def receive(self, address: int, count: int, may_grow: MayGrow) -> None:
        """See `Crew`."""
        take(self.shards[0], address, count, may_grow)

    def sweep(self, code: ProgressCode) -> Iterator[bool]:
        """See `Crew`."""
        (shard,) = self.shards
        for start in range(0, shard.batches, PART):
            yield shard.sweep(code, start, start + PART)

    def rest(self) -> None:
        """See `Crew`."""

    def close(self) -> None:
        """See `Crew`."""


def take(shard: Shard, box: int, count: int, may_grow: MayGrow) -> None:
    """Insert `count` states that lie at `box`, making room where there is too little.

    Raises:
        StarvedError: `may_grow` refused, or the operating system did.
    """
    done = 0
    while done < count:
        if not shard.ready(may_grow):
            raise StarvedError
        done += shard.gather(box, done, count)
