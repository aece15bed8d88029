"""What steps touch, as part of the contract in `machine.py`: locations, and what a race is."""

from dataclasses import dataclass
from enum import Enum

from .expr import Expression


class AccessKind(Enum):
    """How a step touches a location: plain, declared volatile, or interlocked."""

    PLAIN_READ = "plain read"
    PLAIN_WRITE = "plain write"
    VOLATILE_READ = "volatile read"
    VOLATILE_WRITE = "volatile write"
    INTERLOCKED = "interlocked"


@dataclass(frozen=True, slots=True)
class Access:
    """One touched memory location. `index` tells the elements of an array apart.

    A transition with a plain access *races* with one of another context in a state where its guard
    holds (its context stands there, preempted or not) while the other is enabled, if both touch the
    same location (and equal indices) and at least one writes. A plain read does not race with an
    interlocked access: an aligned value is old or new, never torn.

    `completes_update` marks the write half of a read-modify-write. It is *torn* in a state where
    the guard of such a transition holds while a write by another context is enabled.
    """

    location: str
    kind: AccessKind
    index: Expression | None = None
    completes_update: bool = False
