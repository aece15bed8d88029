"""The order of a scenario's threads, and what it says of the driver as a whole."""

from dataclasses import dataclass

from ..algebra import conjunction, disjunction, equal
from ..expr import FALSE, Constant, Expression, Read
from ..kernel.world import World


@dataclass(frozen=True, slots=True)
class Phases:
    """The names of the threads that start first, run concurrently, and come last."""

    start: tuple[str, ...]
    concurrently: tuple[str, ...]
    last: tuple[str, ...]


def start_failed(name: str) -> str:
    """The variable that says whether thread `name`, which starts first, ended with a failure."""
    return f"{name} failed"


def failed(phases: Phases, world: World) -> Expression:
    """The start of the scenario has failed: it has ended, and the others will never begin."""
    for name in phases.start:
        if phases.concurrently:
            ended = equal(Read(f"at {name}"), Constant("done"))
            first = Read(f"at {phases.concurrently[0]}")
            return conjunction(ended, equal(first, Constant("not started")))
        if start_failed(name) in world.variables:
            return Read(start_failed(name))
    return FALSE


def removed(phases: Phases) -> Expression:
    """The last routine of the scenario has run; never, where there is none."""
    return disjunction(*(equal(Read(f"at {name}"), Constant("done")) for name in phases.last))
