"""Every property that is broken, the gravest first: a layer above any engine.

An engine answers with the nearest finding. If that is something which a free build of Windows
survives, it may hide worse behind it. So it is remembered, the machine is asked again without that
property (the behaviour goes on there, `dirql.properties.without`), and so on until nothing is
found, a crash is found, or a limit is reached. What holds costs one search, as before.

The answer is the gravest finding; among equals the one found first. Its statistics are those of the
search that found it. A finding stays one when a later search is cut short: then the answer says
that graver ones were not looked for to the end.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

from dirql.model.digest import digest
from dirql.model.grade import Grade
from dirql.model.machine import MODEL_BOUND, Machine
from dirql.properties import grade_of, without

from .engine import NO_LIMITS, Engine, Limits, Snapshot
from .patience import LimitReached
from .trace import Trace
from .verdict import Result, Unknown, Verdict, Violated, nothing_found

AnyVerdict = TypeVar("AnyVerdict", bound=Verdict)


class Gravest:
    """An engine that answers with the gravest violation, and names the others found."""

    def __init__(self, engine: Engine, behind: Callable[[int], Engine] | None = None) -> None:
        """`engine` is asked first; `behind`, if it is given, makes the one for a later search.

        It is told how many properties have been passed.
        """
        self._engine = engine
        self._behind = behind
        self.name = engine.name

    def check(
        self,
        machine: Machine,
        limits: Limits = NO_LIMITS,
        watch: Callable[[Snapshot], None] | None = None,
    ) -> Result:
        """Explore `machine` until the worst is known. The clock counts all searches.

        Raises:
            BeyondEngineError: the engine cannot hold the machine; another may.
        """
        since = time.monotonic() if limits.since is None else limits.since
        limits = replace(limits, since=since)
        found: list[Result] = []
        last: Result | None = self._engine.check(machine, limits, watch)
        passed: tuple[str, ...] = ()
        while last is not None and (name := _survived(last)):
            found.append(last)
            passed = (*passed, name)
            rest = without(machine, passed)
            more = not last.limited and _asks(rest)
            try:
                last = self._next(len(passed)).check(rest, limits, watch) if more else None
            except LimitReached as limit:
                last = nothing_found(str(limit), self.name, 0.0)
        return _answer(machine, found, last)

    def _next(self, passed: int) -> Engine:
        return self._behind(passed) if self._behind else self._engine


def _survived(result: Result) -> str:
    """The property that `result` finds broken, or may find broken, where a free build goes on."""
    match result.verdict:
        case Violated(property=name):
            pass
        case Unknown(possible=Trace() as trace):
            name = trace.violation.property
        case _:
            return ""
    return "" if grade_of(name) is Grade.CRASH else name


def _asks(machine: Machine) -> bool:
    """Whether anything can still be found."""
    checks = (check.property for step in machine.transitions for check in step.checks)
    return bool(machine.invariants or machine.progress or machine.races) or any(
        name != MODEL_BOUND for name in checks
    )


def _answer(machine: Machine, found: Sequence[Result], last: Result | None) -> Result:
    """The gravest of what was `found`, and of the `last` search, behind all of that."""
    results = [*found, last] if last is not None else [*found]
    violated = [item for item in results if isinstance(item.verdict, Violated)]
    unknown = [item for item in results if isinstance(item.verdict, Unknown)]
    cached = all(item.cached for item in results)
    if not violated:
        answer = last if last in unknown or not unknown else unknown[0]
        assert answer is not None  # noqa: S101  (there was at least one search)
        return replace(answer, verdict=_of(machine, answer.verdict), cached=cached)
    ranks = list(Grade)
    violated.sort(key=lambda item: ranks.index(grade_of(_name(item))))
    verdict, *others = (_of(machine, item.verdict) for item in violated)
    return replace(
        violated[0],
        verdict=verdict,
        others=tuple(item for item in others if isinstance(item, Violated)),
        unfinished=_unfinished(results, unknown),
        limited=any(item.limited for item in results),
        cached=cached,
    )


def _name(result: Result) -> str:
    assert isinstance(result.verdict, Violated)  # noqa: S101  (the caller has looked)
    return result.verdict.property


def _unfinished(results: Sequence[Result], unknown: Sequence[Result]) -> str:
    """Why something worse may be missing; empty where everything was looked for to the end."""
    reasons = [item.verdict.reason for item in unknown if isinstance(item.verdict, Unknown)]
    if not reasons and results[-1].limited and grade_of(_name(results[-1])) is not Grade.CRASH:
        reasons.append("a limit was reached")
    return "; ".join(reasons)


def _of(machine: Machine, verdict: AnyVerdict) -> AnyVerdict:
    """`verdict`, with its trace as one of `machine`: the steps are the same."""
    match verdict:
        case Violated(trace=trace):
            return replace(verdict, trace=replace(trace, digest=digest(machine)))
        case Unknown(possible=Trace() as trace):
            return replace(verdict, possible=replace(trace, digest=digest(machine)))
        case _:
            return verdict
