"""The native engine: the reference explorer's judgement over compiled code.

Compiled code explores a level and says whether something is wrong in it, and where. What exactly is
wrong with that one state is then asked of the reference's own judge, so both engines say the same
words; the way to it is found by walking the levels backwards.
"""

from collections.abc import Callable
from functools import cached_property
from itertools import pairwise

from dirql.model.machine import MODEL_BOUND, Machine

from ..budget import Budget, resident_memory
from ..engine import Limits, Snapshot
from ..evaluate import Evaluator, State
from ..judgement import Finding, Judge
from ..races import DATA_RACE, TORN_UPDATE
from ..recording import Recorder
from ..successors import Successors
from ..trace import Trace, Violation
from ..verdict import Holds, Result, Statistics, Unknown, Verdict, Violated
from .cache import Cache, NoCache
from .program import Program
from .progress import lost
from .record import Kind
from .space import Found, Space

NO_LIMITS = Limits()

_RACES = {Kind.DATA_RACE: DATA_RACE, Kind.TORN_UPDATE: TORN_UPDATE}

_OF_ONE_LEVEL = (Kind.INVARIANT, Kind.ANY_INVARIANT, Kind.CHECK)


class NativeEngine:
    """Machine code made for the machine at hand."""

    name = "native"

    def __init__(self, cache: Cache | None = None, workers: int = 1) -> None:
        """Keep compiled code in `cache`, by default the user's; search with so many threads."""
        self._cache, self._workers = cache, workers

    def check(
        self,
        machine: Machine,
        limits: Limits = NO_LIMITS,
        watch: Callable[[Snapshot], None] | None = None,
    ) -> Result:
        """Explore `machine` and judge it.

        Raises:
            MachineError: a step stores a value outside the domain of its variable.
            NotCompilableError: a variable has more values than a word can tell apart.
        """
        program = Program(machine, self._cache)
        space = Space(program, machine, limits.states, self._workers)
        budget = Budget(limits, watch)
        search = _Search(program, space, machine, limits, budget)
        try:
            verdict = search.verdict()
            return Result(verdict, search.statistics(), self.name, bool(budget.exhausted))
        finally:
            space.close()


class _Search:
    def __init__(
        self,
        program: Program,
        space: Space,
        machine: Machine,
        limits: Limits,
        budget: Budget,
    ) -> None:
        self._machine, self._limits, self._budget = machine, limits, budget
        self._program = program
        self._space = space
        self._races: list[tuple[int, str, int]] = []  # level, property, state
        self._bound: int | None = None
        self._depth = self._expanded = self._transitions = 0
        self._taken = frozenset[int]()

    # The reference's own parts, for the few states that something is wrong with.

    @cached_property
    def _evaluator(self) -> Evaluator:
        return Evaluator(self._machine)

    @cached_property
    def _successors(self) -> Successors:
        return Successors(self._machine, self._evaluator)

    @cached_property
    def _judge(self) -> Judge:
        return Judge(self._machine, self._evaluator, self._successors, self._space)

    def verdict(self) -> Verdict:
        """Explore everything, then judge in the order of `engine.py`."""
        finding = self._explore()
        if finding is None and self._budget.exhausted:
            covered = f"{len(self._space)} states found, {self._expanded} expanded"
            return Unknown(f"{self._budget.exhausted}: {covered}, depth {self._depth}")
        if finding is None and self._bound is not None:
            trace = self._trace(self._broken(self._bound, limit=True))
            return Unknown(f"a limit of the model was reached: {trace.violation.detail}", trace)
        finding = finding or self._stuck() or self._nearest_race()
        if finding is None and self._budget.exhausted:
            return Unknown(f"{self._budget.exhausted} while progress was judged")
        if finding is None:
            return Holds((f"all {len(self._space)} reachable states",))
        trace = self._trace(finding)
        steps = (self._machine.transitions[step.transition] for step in trace.steps)
        unknown = ", ".join(dict.fromkeys(step.opaque for step in steps if step.opaque))
        if unknown:
            return Unknown(f"{trace.violation.property} depends on {unknown}", trace)
        return Violated(trace.violation.property, trace)

    def statistics(self) -> Statistics:
        """What was covered."""
        return Statistics(
            states=self._space.counted,
            transitions=self._transitions,
            depth=self._depth,
            complete=self._expanded == self._space.counted and not self._budget.exhausted,
            seconds=self._budget.seconds,
            taken=self._taken,
        )

    def _explore(self) -> Finding | None:
        """The first finding in a state or step: smallest distance, invariants before checks."""
        space, broken = self._space, None
        if space.full:
            self._budget.full(len(space))
        while space.level_size():
            if broken or self._budget.exhausted:
                seen = space.inspect()
                wrong = broken or seen.found(Kind.INVARIANT)
                return (
                    (self._invariant(seen.found(Kind.ANY_INVARIANT)) or broken) if wrong else None
                )
            self._expand()
            if space.found(Kind.INVARIANT) or self._budget.exhausted or space.found(Kind.OUTSIDE):
                seen = space.inspect()
                if seen.found(Kind.INVARIANT):
                    return self._invariant(seen.found(Kind.ANY_INVARIANT))
            self._count()
            self._depth += bool(space.level_size())
            late, wrong = space.found(Kind.ANY_INVARIANT), space.found(Kind.CHECK)
            if late:
                return self._invariant(late)
            broken = self._broken(wrong.state, limit=False) if wrong else None
        return broken

    def _expand(self) -> None:
        """Take every transition enabled in the states of the last level."""
        space, budget = self._space, self._budget
        space.forget(_OF_ONE_LEVEL)
        size, depth = space.level_size(), len(space.levels) - 2
        for _ in space.slices(self._may_grow):
            budget.look(len(space), space.transitions, depth, size)
            if space.full:
                budget.full(len(space))
            if budget.exhausted:
                return
        if space.starved:
            budget.exhausted = budget.exhausted or "the computer has no more memory"

    def _count(self) -> None:
        """Accept what the last level led to."""
        space = self._space
        outside = space.found(Kind.OUTSIDE)
        if outside:
            self._fail(outside)
        depth = len(space.levels) - 2
        for kind, name in _RACES.items():
            found = space.found(kind)
            if found and all(name != race[1] for race in self._races):
                self._races.append((depth, name, found.state))
        bound = space.found(Kind.BOUND)
        if bound and self._bound is None:
            self._bound = bound.state
        self._expanded = sum(shard.next for shard in space.shards)
        self._transitions, self._taken = space.transitions, space.taken()
        space.close_level()

    def _may_grow(self, size: int) -> bool:
        """Whether there may be `size` bytes more."""
        limit = self._limits.memory
        if limit is not None and resident_memory() + size > limit:
            self._budget.exhausted = f"the limit of {limit} bytes of memory was reached"
            return False
        return True

    def _fail(self, outside: Found) -> None:
        """Let the reference take the step that stores a value outside its domain: it raises."""
        state = self._space[outside.state]
        for action in self._successors.enabled(state):
            if action.broken(state) < 0:
                action.after(state)
        raise AssertionError("compiled code and the reference disagree about a domain")

    def _invariant(self, found: Found | None) -> Finding | None:
        if found is None:
            return None
        return self._judge.invariant(range(found.state, found.state + 1), quiescent=True)

    def _broken(self, number: int, *, limit: bool) -> Finding:
        """The first step out of a state that breaks a check; `limit` says of which sort."""
        for action in self._successors.enabled(self._space[number]):
            finding = self._judge.check(action, number)
            if finding and limit == (finding.violation.property == MODEL_BOUND):
                return finding
        raise AssertionError("compiled code and the reference disagree about a check")

    def _stuck(self) -> Finding | None:
        space, budget = self._space, self._budget

        def may_go_on() -> bool:
            budget.look(len(space), self._transitions, self._depth, 0)
            return not budget.exhausted

        marks = self._program.mark_size * len(space)
        if not self._machine.progress or not self._may_grow(marks):
            return None
        found = lost(self._program, space, may_go_on)
        if found is None:
            return None
        item = self._machine.progress[found.rank]
        who = (item.context,)
        violation = Violation(item.property, item.detail, "", at_step=False, contexts=who)
        return Finding((0, 0), found.state, violation)

    def _nearest_race(self) -> Finding | None:
        if not self._races:
            return None
        _, name, number = min(self._races)
        enabled = self._successors.enabled(self._space[number])
        found = self._judge.races(number, enabled)
        return next(finding for finding in found if finding.violation.property == name)

    def _trace(self, finding: Finding) -> Trace:
        numbers = [finding.state]
        for level in reversed(range(self._space.level_of(finding.state))):
            numbers.append(self._space.before(numbers[-1], level))
        states = [self._space[number] for number in reversed(numbers)]
        taken = [self._step(one, other) for one, other in pairwise(states)]
        if finding.breaking is not None:
            taken.append(finding.breaking)
        return Recorder(self._machine, self._evaluator).trace(states, taken, finding.violation)

    def _step(self, before: State, after: State) -> int:
        """The first transition that leads from one state to another."""
        return next(
            action.index
            for action in self._successors.enabled(before)
            if action.broken(before) < 0 and action.after(before) == after
        )


def reachable(machine: Machine, workers: int = 1, cache: Cache | None = None) -> frozenset[State]:
    """All states `machine` can reach without breaking a check, whatever else is wrong with them."""
    space = Space(Program(machine, cache or NoCache()), machine, workers=workers)
    while space.level_size():
        for _ in space.slices(lambda _: True):
            pass
        space.close_level()
    space.close()
    return frozenset(space.states())
