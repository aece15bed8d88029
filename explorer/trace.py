"""A counterexample as plain data: the initial state, the steps, what went wrong."""

from dataclasses import dataclass

from dirql.model.domain import Value
from dirql.model.machine import Source

TRACE_VERSION = 3
"""Version of the JSON form. It changes whenever a reader of the old form could misread the new."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a trace.

    Attributes:
        transition: index into `Machine.transitions`.
        name: the transition's name, repeated so that a trace can be read without its machine.
        context: who moved.
        processor: where, as a label (`P0`), or empty for hardware. A floating thread is shown on
            the lowest processor that could have run it.
        irql: the level the context had before the step.
        changes: (variable, value before, value after) for each variable that changed.
        source: the driver's line, or the empty source.
        rule: the numbers of the Windows rules the step follows, or empty.
    """

    transition: int
    name: str
    context: str
    processor: str
    irql: int
    changes: tuple[tuple[str, Value, Value], ...]
    source: Source
    rule: str = ""


@dataclass(frozen=True, slots=True)
class Violation:
    """What is wrong at the end of a trace.

    `at_step` tells a rule broken by the last step (true) from a condition on the last state.
    `contexts` names who is involved (two for a race, the stuck one for progress).
    """

    property: str
    detail: str
    bug_check: str
    at_step: bool
    contexts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Trace:
    """A path from an initial state to a violation; `len(steps)` is its length.

    Where the violation is that there is no way back, `onward` are steps that may follow: the way
    into the nearest standstill. They are no part of the violation, and need not be told.
    """

    machine: str
    digest: str
    initial: tuple[tuple[str, Value], ...]
    steps: tuple[Step, ...]
    violation: Violation
    onward: tuple[Step, ...] = ()
