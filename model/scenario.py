"""Scenarios: who calls the driver, on how many processors, and what the author expects."""

from dataclasses import dataclass, field
from typing import TypeAlias

from .machine import Source


@dataclass(frozen=True, slots=True)
class Thread:
    """A thread that calls one routine of the driver, entering it at `irql` (0, 1 or 2).

    `arguments` are numbers and names of the driver's objects.
    """

    routine: str
    irql: int = 0
    arguments: tuple[int | str, ...] = ()


@dataclass(frozen=True, slots=True)
class Holds:
    """The author expects no violation. `states` is the exact count, 0 where it is not stated."""

    states: int = 0


@dataclass(frozen=True, slots=True)
class Violated:
    """The author expects this property to be violated, first after `steps` steps."""

    property: str
    steps: int = 0
    states: int = 0


Expectation: TypeAlias = Holds | Violated


@dataclass(frozen=True, slots=True)
class Scenario:
    """One way the driver is used.

    `start` runs first and alone. If it returns a success status, the threads of `concurrently`
    start together. `finally_` runs when all of them have ended, or when `start` failed. After the
    last of these the driver is gone: what it leaves connected, queued or armed is a leak, if
    `finally_` is given.

    `ignore` names properties that are waived, as a driver that shipped may need it.

    `expect` maps processor counts to expectations; `source` is where the scenario is stated.
    """

    name: str
    start: Thread | None
    concurrently: tuple[Thread, ...]
    finally_: Thread | None
    processors: tuple[int, ...]
    knobs: tuple[tuple[str, str], ...] = ()
    properties: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    expect: tuple[tuple[int, Expectation], ...] = ()
    source: Source = field(default_factory=Source, compare=False)
