"""The set of reachable states, for comparison with other engines."""

from pathlib import Path

from dirql.model.machine import Machine

from ..evaluate import State
from .cache import Cache, NoCache
from .crew import anything
from .program import Program
from .space import Space


def reachable(
    machine: Machine,
    workers: int = 1,
    cache: Cache | None = None,
    spill: Path | None = None,
) -> frozenset[State]:
    """All states `machine` can reach without breaking a check, whatever else is wrong with them.

    With `spill` the search is on disk from the start.
    """
    space = Space(Program(machine, cache or NoCache()), machine, workers=workers)
    space.begin()
    if spill is not None:
        space.move_to_disk(spill, 1)
    while space.level_size():
        for _ in space.slices(anything):
            pass
        space.close_level()
    space.close()
    return frozenset(space.states())
