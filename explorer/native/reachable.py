"""The set of reachable states, for comparison with other engines."""

from dirql.model.machine import Machine

from ..evaluate import State
from .cache import Cache, NoCache
from .program import Program
from .space import Space


def reachable(machine: Machine, workers: int = 1, cache: Cache | None = None) -> frozenset[State]:
    """All states `machine` can reach without breaking a check, whatever else is wrong with them."""
    space = Space(Program(machine, cache or NoCache()), machine, workers=workers)
    space.begin()
    while space.level_size():
        for _ in space.slices(lambda _: True):
            pass
        space.close_level()
    space.close()
    return frozenset(space.states())
