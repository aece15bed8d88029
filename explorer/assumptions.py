"""Violations that rest on unknown values, and whether there is one that does not.

An engine answers with a shortest violation. If its behaviour takes a step marked `opaque`, it is no
violation yet: what it assumes of a value nobody knows may be impossible (`engine.py`, point 5). A
longer behaviour may do without. So the machine is looked at again, as two others that any engine
can explore:

* for checks, invariants and races, one in which an opaque step leads nowhere. It is still enabled,
  so that a state that waits for it is not at rest;
* for progress, one that remembers whether an opaque step was taken and asks about the states where
  none was. What can still happen after one counts, because a way on is a way on.

A behaviour that shows up there is one of the machine itself, and is replayed on it. If there is
none, the violation may still come about whatever the value is, each time in another way:
`alternatives.py` decides that. If it does not, only what it needs to assume is told.
"""

import time
from collections.abc import Callable
from dataclasses import replace

from dirql.model.algebra import conjunction, negation
from dirql.model.digest import digest
from dirql.model.domain import Boolean
from dirql.model.expr import TRUE, Read
from dirql.model.machine import MODEL_BOUND, Machine, Progress, Transition, Variable

from .alternatives import Alternatives
from .engine import NO_LIMITS, Engine, Limits, Snapshot
from .evaluate import State
from .judgement import assuming
from .patience import LimitReached
from .races import DATA_RACE, TORN_UPDATE
from .replay import recorded
from .trace import Trace
from .verdict import Result, Unknown, Violated

ASSUMED = "an unknown value was assumed"
"""The variable that remembers whether an opaque step was taken."""


class Settled:
    """An engine that answers `Violated` wherever some violation rests on no unknown value."""

    def __init__(self, engine: Engine, again: Engine | None = None) -> None:
        """`engine` does the exploring; `again`, if it is given, that of the other machines."""
        self._engine, self._again = engine, again or engine
        self.name = engine.name

    def check(
        self,
        machine: Machine,
        limits: Limits = NO_LIMITS,
        watch: Callable[[Snapshot], None] | None = None,
    ) -> Result:
        """Explore and judge as `Engine.check` says, then settle what rests on unknown values.

        The clock counts all of it.
        """
        since = time.monotonic() if limits.since is None else limits.since
        limits = replace(limits, since=since)
        first = self._engine.check(machine, limits, watch)
        if not rests_on_unknowns(machine, first):
            return first
        race: Result | None = None
        limited = False
        for make in (without_opaque_steps, remembering_opaque_steps):
            try:
                result = self._again.check(make(machine), limits, watch)
            except LimitReached:
                limited = True
                break
            limited = limited or result.limited
            if not isinstance(result.verdict, Violated):
                continue
            found = replace(result, verdict=_of(machine, result.verdict))
            if result.verdict.property not in (DATA_RACE, TORN_UPDATE):
                return found
            race = found
        first = replace(first, limited=first.limited or limited)
        try:
            return self._by_value(machine, first, race, limits)
        except LimitReached:
            return race or replace(first, limited=True)

    def _by_value(
        self, machine: Machine, first: Result, race: Result | None, limits: Limits
    ) -> Result:
        """`first` as a violation, if one comes about whatever is unknown; else what it assumes."""
        assert isinstance(first.verdict, Unknown)  # noqa: S101  (it rests on unknowns)
        trace = first.verdict.possible
        assert trace is not None  # noqa: S101  (the same)
        graver = Alternatives(machine, limits, races=False)
        if certain := self._certain(machine, first, graver, limits):
            return certain
        if race is not None:
            return race
        found = Alternatives(machine, limits, races=True) if machine.races else graver
        if certain := self._certain(machine, first, found, limits):
            return certain
        needed = found.needed(trace)
        return replace(first, verdict=assuming(trace, needed)) if needed else first

    def _certain(
        self, machine: Machine, first: Result, found: Alternatives, limits: Limits
    ) -> Result | None:
        """`first`, or its like from another initial state, if something is violated anyhow."""
        assert isinstance(first.verdict, Unknown)  # noqa: S101  (it rests on unknowns)
        trace = first.verdict.possible
        assert trace is not None  # noqa: S101  (the same)
        lost = list(found.lost())
        if lost and tuple(value for _, value in trace.initial) not in lost:
            again = self._again.check(_starting(machine, lost[0]), limits).verdict
            trace = again.possible if isinstance(again, Unknown) else None
        if not lost or trace is None:
            return None
        verdict = Violated(trace.violation.property, trace)
        return replace(first, verdict=_of(machine, verdict))


def _starting(machine: Machine, state: State) -> Machine:
    """`machine` with one initial state."""
    pairs = zip(machine.variables, state, strict=True)
    return replace(machine, variables=tuple(replace(item, initial=(v,)) for item, v in pairs))


def rests_on_unknowns(machine: Machine, result: Result) -> bool:
    """Whether `result` is `Unknown` only because of what its behaviour assumes."""
    match result.verdict:
        case Unknown(_, Trace() as trace) if trace.violation.property != MODEL_BOUND:
            return any(machine.transitions[step.transition].opaque for step in trace.steps)
        case _:
            return False


def without_opaque_steps(machine: Machine) -> Machine:
    """`machine` where an opaque step changes nothing, and without questions about progress."""
    steps = tuple(
        replace(item, updates=(), checks=(), accesses=(), opaque="") if item.opaque else item
        for item in machine.transitions
    )
    return replace(machine, transitions=steps, progress=())


def remembering_opaque_steps(machine: Machine) -> Machine:
    """`machine` asked only about progress, and only where no opaque step was taken before."""
    return replace(
        machine,
        variables=(*machine.variables, Variable(ASSUMED, Boolean(), (False,))),
        transitions=tuple(map(_remembering, machine.transitions)),
        invariants=(),
        progress=tuple(map(_where_nothing_was_assumed, machine.progress)),
        races=(),
    )


def _remembering(item: Transition) -> Transition:
    """A step that ends no behaviour by a check: where it would, it is not possible."""
    rules = tuple(check for check in item.checks if check.property != MODEL_BOUND)
    updates = (*item.updates, (ASSUMED, TRUE)) if item.opaque else item.updates
    return replace(
        item,
        guard=(*item.guard, *(check.condition for check in rules)),
        updates=updates,
        checks=tuple(check for check in item.checks if check.property == MODEL_BOUND),
        opaque="",
    )


def _where_nothing_was_assumed(item: Progress) -> Progress:
    return replace(item, live=conjunction(item.live, negation(Read(ASSUMED))))


def _of(machine: Machine, verdict: Violated) -> Violated:
    """The violation as one of `machine` itself.

    Raises:
        ReplayError: it is none, which would be a defect of this module.
    """
    known = {variable.name for variable in machine.variables}
    trace = verdict.trace
    initial = tuple(item for item in trace.initial if item[0] in known)
    claimed = replace(trace, machine=machine.name, digest=digest(machine), initial=initial)
    return Violated(verdict.property, recorded(machine, claimed))
