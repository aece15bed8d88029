"""A compiled driver: its machine, and the facts about it that properties speak of.

The compiler makes a `System`. Each property reads it and adds invariants or progress conditions;
the result is the `Machine` that engines see.
"""

from dataclasses import dataclass

from .algebra import is_false
from .expr import FALSE, Expression
from .machine import Machine, Source


@dataclass(frozen=True, slots=True)
class Point:
    """A program point of a context: what is known statically whenever its counter stands there.

    Attributes:
        context: the context's name.
        label: the value of its program counter.
        irql: the level at which it stands there (0 to 15).
        held: spin locks it owns there, in the order they were taken.
        waits_for: the spin lock it is about to take, or empty.
        waits_on: the event or other dispatcher object it is about to wait on, or empty.
        object: the interrupt object whose service routine is in progress, or empty.
        end: whether this is the resting point: not started, finished, or an idle slot.
        source: the driver's line about to run.
    """

    context: str
    label: str
    irql: int
    held: tuple[str, ...]
    waits_for: str
    waits_on: str
    object: str
    end: bool
    source: Source


@dataclass(frozen=True, slots=True)
class LockFacts:
    """A spin lock: the variable whose value is its owner's context name, or `none`."""

    name: str
    owner: str


@dataclass(frozen=True, slots=True)
class InterruptFacts:
    """An interrupt object that some connect call can make.

    `state` is the variable that says how far it is: `unused`, `allocated`, `connected`, `inactive`,
    `disconnecting`, `disconnected`. `outlived` says that its service routine may still run after
    that (knob `disconnect_waits_for_isr`).
    """

    name: str
    state: str
    line: str
    outlived: bool = False


@dataclass(frozen=True, slots=True)
class LineFacts:
    """An interrupt line: whether the own device asserts it, and the objects connected to it."""

    name: str
    device: str
    asserted: Expression
    latched: bool
    shared: bool
    objects: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class QueueFacts:
    """A DPC, timer or work item: the condition under which it is queued, armed or running."""

    name: str
    kind: str
    pending: Expression


@dataclass(frozen=True, slots=True)
class Claim:
    """A predicate of the driver author over states: `holds` must be true."""

    name: str
    holds: Expression
    source: Source


@dataclass(frozen=True, slots=True)
class Notes:
    """What the compiler noticed on its way: for what a report says beside a verdict.

    Attributes:
        reached: (routine, index of a node) of the instructions that it came to. What it never came
            to is behind a constant condition, or behind a rule that is certainly broken.
        endless: the threads that go round for ever: they have a loop, and no way to their end.
        knobs: the names of the knobs whose settings it asked for. No other setting can matter.
        locks: the driver's spin locks that were handed to connect calls.
    """

    reached: frozenset[tuple[str, int]] = frozenset()
    endless: tuple[str, ...] = ()
    knobs: frozenset[str] = frozenset()
    locks: tuple[str, ...] = ()


NO_NOTES = Notes()


@dataclass(frozen=True, slots=True)
class System:
    """A compiled driver.

    `removed` holds once `finally_` has run, never where there is none; `failed` once `start` has
    returned a failure; `waiting` per device, and `noticed`: an armed timer may yet make the driver
    look at it.
    """

    machine: Machine
    points: tuple[Point, ...]
    locks: tuple[LockFacts, ...]
    interrupts: tuple[InterruptFacts, ...]
    lines: tuple[LineFacts, ...]
    queues: tuple[QueueFacts, ...]
    waiting: tuple[tuple[str, Expression], ...]
    claims: tuple[Claim, ...]
    removed: Expression
    failed: Expression = FALSE
    notes: Notes = NO_NOTES
    noticed: tuple[tuple[str, Expression], ...] = ()

    @property
    def gone(self) -> tuple[Expression, str]:
        """When the driver is to have left nothing behind, and since what event, in words.

        A start that failed is followed by the scenario's last routine; where there is none, the
        start itself was to undo what it did.
        """
        if is_false(self.removed):
            return self.failed, "the start failed"
        return self.removed, "the driver was removed"
