"""Two engines as one: a quick start for small machines, a fast search for large ones.

Whoever compiles a machine before exploring it has spent more time on a small one than exploring it
takes. So an engine that begins at once gets the machine first, up to a number of states; when it
has found that many, the other engine begins anew. Engines give the same answers, so it does not
matter which of them answered; the result names it.
"""

import time
from collections.abc import Callable
from dataclasses import replace

from dirql.model.machine import Machine

from .engine import NO_LIMITS, BeyondEngineError, Engine, Limits, Snapshot
from .verdict import Result, Unknown, Verdict

SMALL = 5_000
"""States that the first engine may find. The reference explorer takes 0.1 to 0.2 s for them, about
what the native engine takes to be imported and to compile a small machine."""


class Handover:
    """Asks `first`, and `second` when the machine turns out to be large."""

    name = "auto"

    def __init__(self, first: Engine, second: Callable[[], Engine], states: int = SMALL) -> None:
        """Take both engines; `second` is made only when it is needed."""
        self._first, self._second, self._states = first, second, states

    def check(
        self,
        machine: Machine,
        limits: Limits = NO_LIMITS,
        watch: Callable[[Snapshot], None] | None = None,
    ) -> Result:
        """Explore `machine` and judge it; the clock counts what both engines spend.

        Raises:
            MachineError: a step stores a value outside the domain of its variable.
        """
        since = time.monotonic() if limits.since is None else limits.since
        limits = replace(limits, since=since)
        if limits.states is not None and limits.states <= self._states:
            return self._first.check(machine, limits, watch)
        found = self._first.check(machine, replace(limits, states=self._states), watch)
        if not found.limited or found.statistics.states < self._states:
            return found
        try:
            more = self._second().check(machine, limits, watch)
        except BeyondEngineError:
            return self._first.check(machine, limits, watch)
        if more.limited and more.statistics.states < found.statistics.states:
            return replace(found, verdict=_stopped(found.verdict, more.verdict))
        return more


def _stopped(known: Verdict, later: Verdict) -> Verdict:
    """What was known when a limit stopped the second engine before it had got as far again."""
    match known, later:
        case Unknown(covered, possible), Unknown(reason, _):
            return Unknown(f"{reason.partition(': ')[0]}: {covered.partition(': ')[2]}", possible)
        case _:
            return known  # a race
