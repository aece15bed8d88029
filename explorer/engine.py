"""The contract of an engine: a machine and limits in, a result out.

An engine ends a behaviour at whatever the machine asks; `gravest.py` is above it, and asks again
behind what a free build of Windows survives.

The order of judgement is part of the contract, so that engines can be compared:

1. Breadth first, level by level. Level 0 is the initial states. A level is finished before its
   findings are judged, so counts do not depend on the order within a level.
2. A broken check counts at the distance of its source state plus one, a broken invariant at the
   distance of its state. Findings at the smallest distance win; among them an invariant wins over
   a check, then the smaller index in the machine (invariants; transitions, then their checks).
   Invariants are judged when a level is complete, before it is expanded. Quiescent invariants are
   judged while it is expanded (only then is it known that a state is quiescent), still with the
   distance of the state.
3. A finding of 2 ends the search. If there is none, the progress conditions are judged in order:
   the first that fails, at the nearest state from which its goal cannot be reached.
4. If these hold too, races: the nearest state with one, found while exploring; data races before
   torn updates at one distance.
5. A broken check of `MODEL_BOUND`, or reaching a limit, makes the verdict `Unknown` unless 2 found
   a violation; a race found by then is reported instead, and progress is not judged. A violation
   whose trace takes an `opaque` transition is `Unknown` as well; `assumptions.py` then asks, of any
   engine, whether there is one that takes none, or one for each way the unknown values may be.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from dirql.model.machine import Machine

from .verdict import Result


@dataclass(frozen=True, slots=True)
class Limits:
    """When to give up. `None` means no limit.

    Attributes:
        states: largest number of states to find.
        seconds: wall time.
        memory: resident size of the process, in bytes.
        since: when the clock began (`time.monotonic()`), if before the engine was asked.
        spent: seconds that count as well: what reading and compiling took.
    """

    states: int | None = None
    seconds: float | None = None
    memory: int | None = None
    since: float | None = None
    spent: float = 0.0


NO_LIMITS = Limits()
"""What an engine is given where nothing limits it."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Progress of a running search, for whoever is watching; `memory` is what the process uses."""

    states: int
    transitions: int
    depth: int
    frontier: int
    seconds: float
    memory: int = 0


class BeyondEngineError(ValueError):
    """The machine is beyond what this engine can hold; the message says why."""


class Engine(Protocol):
    """Anything that checks machines. `name` is what `--engine` and reports call it."""

    name: str

    def check(
        self,
        machine: Machine,
        limits: Limits = ...,
        watch: Callable[[Snapshot], None] | None = ...,
    ) -> Result:
        """Explore `machine` and judge it in the order this module states.

        Raises:
            BeyondEngineError: this engine cannot hold the machine; another may.
        """
        ...
