"""What an engine answers: never a bool."""

from dataclasses import dataclass, field
from typing import TypeAlias

from .trace import Trace


@dataclass(frozen=True, slots=True)
class Holds:
    """The complete state space was explored, or a proof was found. `scope` says of what."""

    scope: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Violated:
    """`trace` is a shortest behaviour that violates `property`."""

    property: str
    trace: Trace


@dataclass(frozen=True, slots=True)
class Unknown:
    """The search could not finish. `reason` says what ran out and how far it got.

    `possible` is a behaviour that would be a violation if an unknown value is what it assumes, or
    that ran into a limit of the model.
    """

    reason: str
    possible: Trace | None = None


Verdict: TypeAlias = Holds | Violated | Unknown


@dataclass(frozen=True, slots=True)
class Statistics:
    """What was covered, exact and the same for every engine and worker count.

    Attributes:
        states: distinct states found.
        transitions: steps computed from expanded states, including steps that break a rule.
        depth: the largest distance of a found state from the initial states, in steps.
        complete: whether every found state was expanded.
        seconds: wall time.
        taken: indices of the transitions that were enabled in some expanded state.
    """

    states: int
    transitions: int
    depth: int
    complete: bool
    seconds: float
    taken: frozenset[int] = field(default_factory=frozenset[int])


@dataclass(frozen=True, slots=True)
class Result:
    """A verdict with its statistics and the name of the engine that found it.

    `limited` says that a limit cut the search short: with another limit the answer may be another.
    `cached` says that it was found earlier, by the engine named and in the seconds stated.
    `others` are the violations of other properties found on the way to the verdict, which is the
    gravest; `unfinished` says what kept graver ones from being looked for to the end
    (`gravest.py`).
    """

    verdict: Verdict
    statistics: Statistics
    engine: str
    limited: bool = False
    cached: bool = False
    others: tuple[Violated, ...] = ()
    unfinished: str = ""


def nothing_found(reason: str, engine: str, seconds: float) -> Result:
    """The result of a check that a limit ended before its search began."""
    covered = Statistics(states=0, transitions=0, depth=0, complete=False, seconds=seconds)
    return Result(Unknown(reason), covered, engine, limited=True)
