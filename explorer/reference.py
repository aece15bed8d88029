"""The reference explorer: what it means to check a machine. Read this file first.

It keeps every state it has found in a list, in the order of finding, so that the states of one
level (equally far from the initial states) are neighbours and a level is a range of numbers. It
looks at one level after another; each state remembers the state and the transition that first led
to it: that gives a shortest trace. The order of judgement is the contract of `engine.py`.

Read next: `evaluate.py` (expressions), `successors.py` (possible steps), `judgement.py` (findings).
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product

from dirql.model.machine import MODEL_BOUND, Machine

from .budget import Budget
from .engine import NO_LIMITS, Limits, Snapshot
from .evaluate import Evaluator, State
from .judgement import Finding, Judge, at_rest, smaller, verdict_on
from .patience import Lenient, LimitReached
from .recording import Recorder
from .successors import Action, Successors
from .trace import Trace
from .verdict import Holds, Result, Statistics, Unknown, Verdict

_FEW = 1_000
"""Initial states that there is always time for."""


class ReferenceEngine:
    """Plain Python: states in a list, their numbers in a dictionary."""

    name = "reference"

    def check(
        self,
        machine: Machine,
        limits: Limits = NO_LIMITS,
        watch: Callable[[Snapshot], None] | None = None,
    ) -> Result:
        """Explore `machine` and judge it.

        Raises:
            MachineError: a step stores a value outside the domain of its variable.
        """
        budget = Budget(limits, watch)
        search = _Search(machine, budget)
        try:
            with Lenient():
                verdict = search.verdict()
        except LimitReached as limit:
            verdict = search.cut(str(limit))
        return Result(verdict, search.statistics(), self.name, bool(budget.exhausted))


def reachable(machine: Machine, limits: Limits = NO_LIMITS) -> frozenset[State]:
    """All states `machine` can reach without breaking a check, whatever else is wrong with them."""
    search = _Search(machine, Budget(limits, None))
    level = search.begin()
    while level:
        level = search.expand(level).following
    return frozenset(search.states)


@dataclass(slots=True)
class _Expansion:
    """The level after one level, and what showed on the way: quiescent invariants and checks."""

    following: range
    quiescent: Finding | None = None
    broken: Finding | None = None


class _Search:
    def __init__(self, machine: Machine, budget: Budget) -> None:
        self.states: list[State] = []
        self._numbers: dict[State, int] = {}
        self._reached: list[tuple[int, int]] = []  # from which state, by which transition
        self._edges: list[tuple[int, int, bool]] = []  # see `Judge.stuck`; only for progress
        self._machine, self._budget = machine, budget
        self._evaluator = Evaluator(machine)
        self._successors = Successors(machine, self._evaluator)
        self._judge = Judge(machine, self._evaluator, self._successors, self.states)
        self._resting: set[int] = set()  # the quiescent states
        self._races: list[Finding] = []
        self._bound: Finding | None = None
        self._taken: set[int] = set()
        self._transitions = self._expanded = self._depth = 0

    def verdict(self) -> Verdict:
        """Explore everything, then judge in the order of `engine.py`."""
        finding = self._explore() or (self._nearest_race() if self._budget.exhausted else None)
        if finding is None and self._budget.exhausted:
            return self._budget.stopped(len(self.states), self._expanded, self._depth)
        if finding is None and self._bound is not None:
            finding = self._nearest_race()
        if finding is None and self._bound is not None:
            trace = self._trace(self._bound)
            return Unknown(f"a limit of the model was reached: {trace.violation.detail}", trace)
        finding = finding or self._stuck() or self._nearest_race()
        if finding is None:
            return Holds((f"all {len(self.states)} reachable states",))
        return verdict_on(self._machine, self._trace(finding))

    def cut(self, limit: str) -> Verdict:
        """The verdict where the search was interrupted: it had no time to look at the clock."""
        self._budget.exhausted = limit
        race = self._nearest_race()
        if race is not None:
            return verdict_on(self._machine, self._trace(race))
        return self._budget.stopped(len(self.states), self._expanded, self._depth)

    def statistics(self) -> Statistics:
        """What was covered."""
        return Statistics(
            states=len(self.states),
            transitions=self._transitions,
            depth=self._depth,
            complete=self._expanded == len(self.states) and not self._budget.exhausted,
            seconds=self._budget.seconds,
            taken=frozenset(self._taken),
        )

    def begin(self) -> range:
        """Level 0: every combination of initial values; none if there are too many to look at."""
        for state in product(*(variable.initial for variable in self._machine.variables)):
            if len(self.states) > _FEW and self._budget.spent(len(self.states), 0, 0, 0):
                return range(0)
            if self._number(state, -1, -1) is None:
                break
        return range(len(self.states))

    def _explore(self) -> Finding | None:
        """The first finding in a state or step: smallest distance, invariants before checks."""
        level, broken = self.begin(), None
        while level:
            if broken or self._judge.invariant(level, quiescent=False):
                return self._judge.invariant(level, quiescent=True) or broken
            if self._budget.exhausted:
                return None
            expansion = self.expand(level)
            level, broken = expansion.following, expansion.broken
            self._depth += bool(level)
            if expansion.quiescent:
                return expansion.quiescent
        return broken

    def expand(self, level: range) -> _Expansion:
        """Take every transition enabled in the states of `level`."""
        result = _Expansion(range(0))
        for source in level:
            if self._budget.spent(len(self.states), self._transitions, self._depth, len(level)):
                break
            enabled = self._successors.enabled(self.states[source])
            if at_rest(enabled):
                self._resting.add(source)
                result.quiescent = smaller(result.quiescent, self._judge.quiescent(source))
            self._races += self._judge.races(source, enabled)
            for action in enabled:
                broken = self._judge.check(action, source)
                if broken is None:
                    self._take(source, action)
                elif broken.violation.property == MODEL_BOUND:
                    self._bound = self._bound or broken
                else:
                    result.broken = smaller(result.broken, broken)
            self._taken.update(action.index for action in enabled)
            self._transitions += len(enabled)
            self._expanded += 1
        result.following = range(level.stop, len(self.states))
        return result

    def _take(self, source: int, action: Action) -> None:
        target = self._number(action.after(self.states[source]), source, action.index)
        if target is not None and self._machine.progress and not action.transition.lucky:
            self._edges.append((source, target, action.transition.spontaneous))

    def _number(self, state: State, source: int, transition: int) -> int | None:
        """The number of `state`; nothing if it is new and the budget has no room for it."""
        number = self._numbers.get(state)
        if number is None and not self._budget.full(len(self.states)):
            number = self._numbers[state] = len(self.states)
            self.states.append(state)
            self._reached.append((source, transition))
        return number

    def _stuck(self) -> Finding | None:
        edges, resting = self._edges, self._resting
        found = (self._judge.stuck(item, edges, resting) for item in self._machine.progress)
        return next((finding for finding in found if finding), None)

    def _nearest_race(self) -> Finding | None:
        """The nearer of the first race of each kind; `data-race` sorts before the other."""

        def order(race: Finding) -> tuple[int, str]:
            return len(self._path(race.state)), race.violation.property

        return min(self._races, key=order, default=None)

    def _path(self, number: int) -> list[tuple[int, int]]:
        """The way to state `number`: each state on it with the transition that led to it."""
        path: list[tuple[int, int]] = []
        while number >= 0:
            source, transition = self._reached[number]
            path.append((number, transition))
            number = source
        return path[::-1]

    def _trace(self, finding: Finding) -> Trace:
        path = self._path(finding.state)
        last = [] if finding.breaking is None else [finding.breaking]
        taken = [transition for _, transition in path[1:]] + last
        states = [self.states[number] for number, _ in path]
        return Recorder(self._machine, self._evaluator).trace(states, taken, finding.violation)
