"""Where the steps of a trace stand: processors, levels, and who occupies what.

A trace gives the level of a context *before* each of its steps. A lane shows the level of a
processor before and after, which is that of the topmost context on it; it is worked out here from
the program counters and placements among the values of the trace.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from dirql.explorer.trace import Step, Trace
from dirql.model.domain import Value

from .trace_words import short

HARDWARE = "hardware"
NOWHERE = "none"
DISPATCH_LEVEL = 2

LEVEL_IN_LABEL = re.compile(r"at DIRQL (\d+)$")
"""A point that spins for an interrupt lock is named for its level."""


@dataclass(frozen=True, slots=True)
class Position:
    """Where a step is taken.

    Attributes:
        place: the processor, or `HARDWARE`.
        before: the level of the processor before the step.
        after: its level after the step. A level that no step of the trace shows is `None`: that
            of a service routine which was only just accepted.
        occupied: the processors on which, after the step, something stands at DISPATCH_LEVEL or
            above.
    """

    place: str
    before: int | None
    after: int | None
    occupied: frozenset[str]


@dataclass(frozen=True, slots=True)
class Stand:
    """Where a context stands at the end of a trace.

    `processor` is empty while it floats or rests, `point` where it never moved; `irql` is `None`
    where no step shows it.
    """

    processor: str
    irql: int | None
    point: str


@dataclass(frozen=True, slots=True)
class Course:
    """A trace, followed: the position of each step, and where the contexts stand at the end."""

    positions: tuple[Position, ...]
    stands: dict[str, Stand]


def follow(trace: Trace) -> Course:
    """Work out the course of `trace`."""
    follower = _Follower(trace)
    positions = tuple(follower.positions())
    return Course(positions, follower.stands())


def lanes(course: Course) -> list[str]:
    """The places where something happens: processors in their order, then the hardware."""
    places = {position.place for position in course.positions}
    processors = sorted(places - {HARDWARE}, key=lambda label: (len(label), label))
    return [*processors, *({HARDWARE} & places)]


class _Follower:
    """Walks along a trace."""

    def __init__(self, trace: Trace) -> None:
        self._trace = trace
        self._values: dict[str, Value] = dict(trace.initial)
        self._initial = dict(trace.initial)
        self._levels: dict[str, dict[str, int | None]] = {}
        self._here: dict[str, Stand] = {}
        self._known = self._learn()
        self._next = self._following()

    def _learn(self) -> dict[tuple[str, Value], int]:
        """The level at each program point where some step begins; slots share their points."""
        values = dict(self._trace.initial)
        known: dict[tuple[str, Value], int] = {}
        for step in self._trace.steps:
            label = values.get(f"at {step.context}")
            if label is not None:
                known[short(step.context), label] = step.irql
            values |= {name: after for name, _, after in step.changes}
        return known

    def _following(self) -> list[int | None]:
        """For each step the level at which its context takes its next one."""
        found: list[int | None] = []
        levels: dict[str, int] = {}
        for step in reversed(self._trace.steps):
            found.append(levels.get(step.context))
            levels[step.context] = step.irql
        return found[::-1]

    def positions(self) -> Iterator[Position]:
        """The position of each step."""
        for step, following in zip(self._trace.steps, self._next, strict=True):
            place = step.processor or HARDWARE
            before = self._before(step, place)
            self._values |= {name: after for name, _, after in step.changes}
            after = before
            if step.processor:
                after = self._move(step, place, following)
            occupied = frozenset(lane for lane, standing in self._levels.items() if standing)
            yield Position(place, before, after, occupied)

    def stands(self) -> dict[str, Stand]:
        """Where each context that moved, or has a program counter, stands now."""
        found = {
            name.removeprefix("at "): Stand("", None, str(value))
            for name, value in self._values.items()
            if name.startswith("at ")
        }
        return found | self._here

    def _before(self, step: Step, place: str) -> int | None:
        """The level of the processor before the step: its mover's, or of what the mover is above.

        The level that a step gives for a slot at rest has no meaning.
        """
        stand = self._here.get(step.context)
        if stand is not None and stand.processor == place:
            return stand.irql
        top = self._top(place)
        return None if top is None else max(step.irql, top)

    def _top(self, place: str) -> int | None:
        """The level of a processor: `None` if something stands there at a level not known."""
        levels = self._levels.get(place, {}).values()
        known = [level for level in levels if level is not None]
        return None if len(known) < len(levels) else max(known, default=0)

    def _move(self, step: Step, place: str, following: int | None) -> int | None:
        """Put the mover where it is after the step; the level of the processor then."""
        level = self._level(step, following)
        for standing in self._levels.values():
            standing.pop(step.context, None)
        stays = level is None or level >= DISPATCH_LEVEL
        if stays:
            self._levels.setdefault(place, {})[step.context] = level
        point = str(self._values.get(f"at {step.context}", ""))
        self._here[step.context] = Stand(place if stays else "", level, point)
        return level if stays else self._top(place) or level

    def _level(self, step: Step, following: int | None) -> int | None:
        """The level of the mover after the step.

        A thread below DISPATCH_LEVEL that still occupies its processor is on its way down: the
        DPCs of the processor come first, so it counts as being at DISPATCH_LEVEL.
        """
        placement = self._values.get(f"processor of {step.context}")
        level = self._shown(step, following, placement)
        if placement not in {None, NOWHERE} and (level is None or level < DISPATCH_LEVEL):
            return DISPATCH_LEVEL
        return level

    def _shown(self, step: Step, following: int | None, placement: Value | None) -> int | None:
        """The level as later steps show it, or other steps at the same program point."""
        label = self._values.get(f"at {step.context}")
        if following is not None or label is None:
            return step.irql if following is None else following
        if placement is None and label == self._initial[f"at {step.context}"]:
            return 0
        if (short(step.context), label) in self._known:
            return self._known[short(step.context), label]
        named = LEVEL_IN_LABEL.search(str(label))
        if named:
            return int(named[1])
        if placement is None and step.irql < DISPATCH_LEVEL:
            return DISPATCH_LEVEL if short(step.context) == "DPC" else None
        if placement == NOWHERE and step.irql >= DISPATCH_LEVEL:
            return 0
        return step.irql
