"""What steps touch, as part of the contract in `machine.py`: locations, and what a race is."""

from dataclasses import dataclass
from enum import Enum

from .expr import TRUE, Expression


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

    `changes`: whether a write, in the state before it, stores anything new.
    """

    location: str
    kind: AccessKind
    index: Expression | None = None
    changes: Expression = TRUE


@dataclass(frozen=True, slots=True)
class Span:
    """An update in several steps: what a context read there decides what or whether it writes.

    It is *torn* in a state where `between` holds (its context stands between the two, preempted or
    not) while a write of the location (at an equal index) by another context is enabled, and that
    write is lost (see `loses`).

    Attributes:
        context: who reads and writes.
        location: what.
        between: where it stands between the two.
        index: the element of an array.
        any_write: a write of what is there already is lost as well, unless it is interlocked: the
            value to be written is computed, or the context has acted on what it read by then.
        name: the step that writes, for the report.
    """

    context: str
    location: str
    between: Expression
    index: Expression | None = None
    any_write: bool = False
    name: str = ""

    def loses(self, write: Access) -> Expression:
        """Whether a write of another context is lost, in the state before it."""
        return (
            TRUE if self.any_write and write.kind is not AccessKind.INTERLOCKED else write.changes
        )
