"""The native engine: the reference explorer's judgement over compiled code.

Compiled code explores a level and says whether something is wrong in it, and where. What exactly is
wrong with that one state is then asked of the reference's own judge, so both engines say the same
words; the way to it is found by walking the levels backwards.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from tempfile import gettempdir

from dirql.model.digest import digest
from dirql.model.machine import MODEL_BOUND, Machine

from ..budget import Budget, resident_memory
from ..engine import NO_LIMITS, Limits, Snapshot
from ..evaluate import Evaluator, State
from ..judgement import Finding, Judge, hopeless, verdict_on
from ..patience import Lenient, LimitReached
from ..races import DATA_RACE, TORN_UPDATE
from ..recording import Recorder
from ..successors import Successors
from ..trace import Trace
from ..verdict import Holds, Result, Statistics, Unknown, Verdict, nothing_found
from ..workspace import IN_MEMORY, Workspace, WorkspaceError
from .beginning import Beginning, move_to_disk
from .cache import Cache
from .checkpoint import Checkpoint
from .covered import Portable, portable, settled
from .program import Program
from .progress import lost
from .record import Kind
from .space import Found, Space

_RACES = {Kind.DATA_RACE: DATA_RACE, Kind.TORN_UPDATE: TORN_UPDATE}

_OF_ONE_LEVEL = (Kind.INVARIANT, Kind.ANY_INVARIANT, Kind.CHECK)


class NativeEngine:
    """Machine code made for the machine at hand."""

    name = "native"

    def __init__(
        self, cache: Cache | None = None, workers: int = 1, workspace: Workspace = IN_MEMORY
    ) -> None:
        """Keep compiled code in `cache`, by default the user's; search with so many threads."""
        self._cache, self._workers, self._workspace = cache, workers, workspace

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
        workspace = self._workspace
        try:
            program = Program(machine, self._cache, fingerprint=workspace.fingerprint)
        except (LimitReached, MemoryError) as limit:
            reason = str(limit) or "the computer has no more memory"
            return nothing_found(f"{reason} while the machine was compiled", self.name, 0.0)
        states_in = (workspace.spill or Path(gettempdir())) if workspace.fingerprint else None
        try:
            space = Space(program, machine, limits.states, self._workers, states_in)
        except OSError as error:
            raise WorkspaceError(f"{states_in or 'memory'} cannot be used: {error}") from error
        spills = workspace.spill is not None and not workspace.fingerprint
        budget = Budget(replace(limits, memory=None) if spills else limits, watch)
        keeper = self._keeper(machine, program)
        finished = False
        try:
            with Lenient():
                search = _Search(program, space, machine, limits, budget, workspace, keeper)
                try:
                    verdict = search.verdict()
                except LimitReached as limit:
                    verdict = search.cut(str(limit))
                except KeyboardInterrupt:
                    search.keep_last()
                    raise
            if budget.exhausted:
                search.keep_last()
            finished = not budget.exhausted
            limited = workspace.fingerprint or bool(budget.exhausted)
            return Result(verdict, search.statistics(), self.name, limited)
        finally:
            if keeper:
                keeper.close(finished=finished)
            space.close()

    def _keeper(self, machine: Machine, program: Program) -> Checkpoint | None:
        folder = self._workspace.checkpoint
        if folder is None:
            return None
        return Checkpoint(folder, digest(machine), program.layout.words, self._workspace.interval)


class _Search:
    def __init__(
        self,
        program: Program,
        space: Space,
        machine: Machine,
        limits: Limits,
        budget: Budget,
        workspace: Workspace,
        keeper: Checkpoint | None,
    ) -> None:
        self._machine, self._limits, self._budget = machine, limits, budget
        self._program, self._space = program, space
        self._workspace, self._keeper = workspace, keeper
        self._spill = None if workspace.fingerprint else workspace.spill
        self._closed: tuple[Portable, int] | None = None
        beginning = Beginning(space, budget, limits, workspace)
        self._before = beginning.find(machine, keeper)  # counted by shards that are no more
        self._covered = settled(self._before, space)

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
        finding = self._explore() or (self._nearest_race() if self._budget.exhausted else None)
        if finding is None and self._budget.exhausted:
            covered = self._covered
            return self._budget.stopped(len(self._space), covered.expanded, covered.depth)
        if finding is None and self._covered.bound is not None:
            finding = self._nearest_race()
        if finding is None and self._covered.bound is not None:
            trace = self._trace(self._broken(self._covered.bound, limit=True))
            return Unknown(f"a limit of the model was reached: {trace.violation.detail}", trace)
        if not finding and not self._workspace.fingerprint:
            finding = self._stuck()
        finding = finding or self._nearest_race()
        if finding is None and self._budget.exhausted:
            return Unknown(f"{self._budget.exhausted} while progress was judged")
        if finding is None and self._workspace.fingerprint:
            return Unknown(self._no_proof())
        if finding is None:
            if self._covered.expanded != self._space.counted:
                raise AssertionError("a search that did not expand everything proves nothing")
            return Holds((f"all {len(self._space)} reachable states",))
        return verdict_on(self._machine, self._trace(finding))

    def cut(self, limit: str) -> Unknown:
        """The verdict where the search was interrupted: it had no time to look at the clock."""
        self._budget.exhausted = limit
        covered = self._covered
        return self._budget.stopped(len(self._space), covered.expanded, covered.depth)

    def _no_proof(self) -> str:
        """What a search by fingerprints can say when it found nothing wrong."""
        states = len(self._space)
        odds = states * (states - 1) / 2.0**65
        text = (
            f"nothing is wrong with the {states} states found, but they were told apart by 64-bit "
            f"fingerprints: that a state was missed has a probability of {odds:.2g}, so this is "
            "no proof"
        )
        return f"{text}; progress was not judged" if self._machine.progress else text

    def statistics(self) -> Statistics:
        """What was covered."""
        return Statistics(
            states=self._space.counted,
            transitions=self._covered.transitions,
            depth=self._covered.depth,
            complete=not self._workspace.fingerprint
            and self._covered.expanded == self._space.counted
            and not self._budget.exhausted,
            seconds=self._budget.seconds,
            taken=self._covered.taken,
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
            self._keep()
            self._expand()
            if space.found(Kind.INVARIANT) or self._budget.exhausted or space.found(Kind.OUTSIDE):
                seen = space.inspect()
                if seen.found(Kind.INVARIANT):
                    return self._invariant(seen.found(Kind.ANY_INVARIANT))
            self._count()
            self._covered.depth += bool(space.level_size())
            late, wrong = space.found(Kind.ANY_INVARIANT), space.found(Kind.CHECK)
            if late:
                return self._invariant(late)
            broken = self._broken(wrong.state, limit=False) if wrong else None
        return broken

    def _expand(self) -> None:
        """Take every transition enabled in the states of the last level."""
        space, budget = self._space, self._budget
        if not self._crowded:
            self._expand_here()
        if self._spill and not space.on_disk and (space.starved or self._crowded):
            self._move_to_disk(self._spill)
            self._expand_here()
        if space.starved:
            budget.exhausted = budget.exhausted or "the computer has no more memory"

    @property
    def _crowded(self) -> bool:
        """Whether the process is as large as it may be, and something can be done about it."""
        limit = self._limits.memory
        can_move = self._spill is not None and not self._space.on_disk
        return can_move and limit is not None and resident_memory() >= limit

    def _expand_here(self) -> None:
        space, budget = self._space, self._budget
        space.forget(_OF_ONE_LEVEL)
        size, depth = space.level_size(), len(space.levels) - 2
        for _ in space.slices(self._may_grow):
            budget.look(len(space), self._before.transitions + space.transitions, depth, size)
            if space.full:
                budget.full(len(space))
            if budget.exhausted:
                return

    def _move_to_disk(self, folder: Path) -> None:
        self._before = portable(self._covered, self._space)
        if move_to_disk(self._space, folder, self._limits.memory or 0, self._budget):
            self._covered = settled(self._before, self._space)

    def _count(self) -> None:
        """Accept what the last level led to."""
        space, covered = self._space, self._covered
        outside = space.found(Kind.OUTSIDE)
        if outside:
            self._fail(outside)
        depth = len(space.levels) - 2
        for kind, name in _RACES.items():
            found = space.found(kind)
            if found and all(name != race[1] for race in covered.races):
                covered.races.append((depth, name, found.state))
        bound = space.found(Kind.BOUND)
        if bound and covered.bound is None:
            covered.bound = bound.state
        covered.expanded = sum(shard.next for shard in space.shards)
        covered.transitions = self._before.transitions + space.transitions
        covered.taken = space.taken().union(self._before.taken)
        space.close_level()

    def _keep(self) -> None:
        """Remember how far the search is, and write it down if it is time to."""
        if self._keeper is None:
            return
        self._closed = portable(self._covered, self._space), len(self._space.levels) - 1
        if self._keeper.due:
            self.keep_last()

    def keep_last(self) -> None:
        """Write down how far the search was when it last closed a level."""
        if self._keeper is None or self._closed is None:
            return
        try:
            self._keeper.write(self._space, *self._closed)
        except WorkspaceError as error:
            self._budget.exhausted = str(error)
            self._closed = None  # what stands in the folder is as it was; it can be resumed

    def _may_grow(self, size: int) -> bool:
        """Whether there may be `size` bytes more."""
        limit = self._limits.memory
        if limit is not None and resident_memory() + size > limit:
            if self._spill:
                return False
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
        finding = self._judge.invariant(range(found.state, found.state + 1), quiescent=True)
        if finding is None:
            raise AssertionError("compiled code and the reference disagree about an invariant")
        return finding

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
            covered = self._covered
            budget.look(len(space), covered.transitions, covered.depth, 0)
            return not budget.exhausted

        if not self._machine.progress or not self._has_room_for_marks():
            return None
        try:
            found = lost(self._program, space, may_go_on)
        except OSError as error:
            where = self._spill or "memory"
            budget.exhausted = f"{where} cannot take what progress is judged with: {error}"
            return None
        if found is None:
            return None
        return Finding((0, 0), found.state, hopeless(self._machine.progress[found.rank]))

    def _has_room_for_marks(self) -> bool:
        """Whether every state can have a mark; if not, the budget is exhausted."""
        if self._space.on_disk or self._may_grow(self._program.mark_size * len(self._space)):
            return True
        if self._spill:
            self._move_to_disk(self._spill)
        return not self._budget.exhausted

    def _nearest_race(self) -> Finding | None:
        if not self._covered.races:
            return None
        _, name, number = min(self._covered.races)
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
