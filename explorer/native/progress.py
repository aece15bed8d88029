"""Progress conditions over a complete space: is there a live state that cannot reach its goal?"""

from collections.abc import Callable

from .program import Program
from .space import SHARD_SHIFT, Found, Space


def lost(program: Program, space: Space, may_go_on: Callable[[], bool]) -> Found | None:
    """The first condition that fails, as its rank, and the nearest state where it does.

    Nothing as well when `may_go_on` refuses, which is asked again and again.
    """
    rank = 0
    for code in program.progress:
        for shard in space.shards:
            shard.begin_marks(code)
        changed = True
        while changed:
            changed = False
            for part in space.sweep(code):
                changed = changed or part
                if not may_go_on():
                    return None
        missing = [shard.missing(code) for shard in space.shards]
        for number in range(code.conditions):
            places = [
                place << SHARD_SHIFT | found[number]
                for place, found in enumerate(missing)
                if found[number] >= 0
            ]
            if places:
                return Found(rank + number, min(places, key=space.level_of))
        rank += code.conditions
    return None
