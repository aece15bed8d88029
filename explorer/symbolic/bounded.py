"""Bounded model checking: is there a behaviour of exactly so many steps that goes wrong?

The solver is asked for behaviours of 0, 1, 2... steps, so that the first it finds is a shortest
one, and findings at one length are compared as `engine.py` says. A bound proves nothing by itself:
`Holds` is answered only when every reachable state has been listed (small machines) and lies within
the bound.

Races come after all other findings, so a race is reported when the bound is reached without one.
A progress condition speaks of all continuations, which no finite behaviour refutes; it is judged
on the listed states, and `Unknown` is the answer where there are too many of them.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

from dirql.model.machine import Machine

from ..engine import Limits, Snapshot
from ..trace import Trace
from ..verdict import Holds, Result, Statistics, Unknown, Verdict, Violated
from .encoding import Relation
from .levels import Levels, enabled_steps, stuck
from .paths import OutOfTimeError, Paths

_NO_LIMITS = Limits()


@dataclass(slots=True)
class _Notes:
    """What was found on the way and counts only if nothing better comes."""

    depth: int = 0
    bound: Trace | None = None
    race: Trace | None = None


class BoundedEngine:
    """The engine `symbolic`.

    Attributes:
        depth: the length of the longest behaviours asked for, in steps.
        listed: how many states are listed at most in search of an end.
    """

    name = "symbolic"

    def __init__(self, depth: int = 40, listed: int = 300) -> None:
        self.depth = depth
        self.listed = listed

    def check(
        self,
        machine: Machine,
        limits: Limits = _NO_LIMITS,
        watch: Callable[[Snapshot], None] | None = None,
    ) -> Result:
        """Judge `machine` up to the bound.

        Of the limits only that on seconds applies. The statistics count the states listed; once
        listing is given up they say no more than how deep the search went.

        Raises:
            MachineError: a step that breaks no check leaves the domain of a variable.
        """
        started = time.monotonic()
        relation = Relation(machine)
        levels = Levels(relation, self.listed)
        notes = _Notes()
        try:
            verdict = self._search(Paths(relation, limits.seconds), levels, notes, watch)
        except OutOfTimeError:
            verdict = _given_up(machine, notes, "time ran out")
        transitions, taken = enabled_steps(relation, levels.states)
        statistics = Statistics(
            states=len(levels.states),
            transitions=transitions,
            depth=notes.depth,
            complete=levels.complete,
            seconds=time.monotonic() - started,
            taken=taken,
        )
        return Result(verdict, statistics, self.name)

    def _search(
        self,
        paths: Paths,
        levels: Levels,
        notes: _Notes,
        watch: Callable[[Snapshot], None] | None,
    ) -> Verdict:
        broken: Trace | None = None
        while True:
            found = paths.broken_invariant() or broken
            if found is not None:
                return _violated(paths.relation.machine, found)
            if not (levels.complete or levels.abandoned):
                levels.advance(paths.seconds_left)
            if levels.complete:
                return _end(paths.relation, levels, notes)
            notes.depth = paths.depth
            if watch is not None:
                watch(_snapshot(paths, levels))
            if paths.depth == self.depth:
                return _given_up(paths.relation.machine, notes, "the bound was reached")
            broken = paths.broken_check()
            notes.bound = notes.bound or paths.broken_bound()
            notes.race = notes.race or paths.race()
            paths.extend()


def _snapshot(paths: Paths, levels: Levels) -> Snapshot:
    frontier = len(levels.found[-1]) if levels.found else 0
    return Snapshot(len(levels.states), 0, paths.depth, frontier, paths.seconds_gone)


def _violated(machine: Machine, trace: Trace) -> Verdict:
    """A violation, unless its behaviour depends on a value nobody knows."""
    opaque = [machine.transitions[step.transition].opaque for step in trace.steps]
    unknown = ", ".join(sorted({name for name in opaque if name}))
    if unknown:
        return Unknown(f"{trace.violation.property} is possible: depends on {unknown}", trace)
    return Violated(trace.violation.property, trace)


def _lesser(machine: Machine, notes: _Notes) -> Verdict | None:
    """What counts when no rule, invariant or progress condition is known to fail."""
    if notes.bound is not None:
        reason = f"a limit of the model was reached: {notes.bound.violation.detail}"
        return Unknown(reason, notes.bound)
    return None if notes.race is None else _violated(machine, notes.race)


def _given_up(machine: Machine, notes: _Notes, why: str) -> Verdict:
    """The verdict of a search that did not see everything."""
    reason = f"{why}: no violation within {notes.depth} steps, longer behaviours not searched"
    return _lesser(machine, notes) or Unknown(reason)


def _end(relation: Relation, levels: Levels, notes: _Notes) -> Verdict:
    """The verdict once every reachable state has been listed and found to be no violation."""
    machine = relation.machine
    if notes.bound is None:
        for progress in machine.progress:
            lost = stuck(relation, levels.states, progress)
            if lost:
                paths = Paths(relation)
                for _ in range(levels.distance(lost[0])):
                    paths.extend()
                return _violated(machine, paths.reaching(lost[0], progress))
    whole = f"every behaviour: all {len(levels.states)} states, listed by the solver"
    return _lesser(machine, notes) or Holds((whole,))
