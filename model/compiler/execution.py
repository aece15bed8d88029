"""Symbolic execution of driver routines and kernel micro-steps: one transition at a time."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import assert_never

from ..algebra import equal, is_false, is_true, negation
from ..domain import Enumeration
from ..driver import FieldKind
from ..expr import Constant, Expression
from ..kernel.memory import fit
from ..kernel.world import World
from ..machine import Check, Choice
from ..routine import (
    Assert,
    Assign,
    Branch,
    Call,
    Choose,
    Load,
    Node,
    Return,
    Routine,
    Store,
)
from .calls import Calls
from .crossing import answers, stored
from .errors import CompileError
from .flow import Joins, Marks, Seen, Touch, indirect, joins
from .kernel_steps import KernelSteps
from .line_effects import declined, quieted
from .path import KernelActivation, Path, RoutineActivation, never, within
from .places import Located, Places
from .stack import give, left_wrong

_LONGEST_LOCAL_RUN = 2_000
"""Local instructions in one transition before the compiler suspects an endless loop."""


@dataclass(slots=True)
class Executor:
    """Runs paths of one context."""

    world: World
    places: Places
    calls: Calls
    kernel_steps: KernelSteps
    known_joins: dict[str, Joins] = field(default_factory=dict[str, Joins])

    def joins(self, routine: Routine) -> Joins:
        """Where the branches of a routine come together."""
        if routine.name not in self.known_joins:
            self.known_joins[routine.name] = joins(routine)
        return self.known_joins[routine.name]

    def run(self, start: Path) -> Iterator[Path]:
        """Every way in which `start` can reach its next visible action, its end, or a failure."""
        work = [start]
        steps = 0
        while work:
            path = work.pop()
            steps += 1
            if steps > _LONGEST_LOCAL_RUN:
                raise CompileError(
                    "this code runs for too long without touching anything shared",
                    path.source,
                    "loop fewer times, or let the loop look at a field or register",
                )
            if path.claims:
                work.extend(item for item in reversed(path.settled()) if item.possible)
                continue
            if path.failed or path.ends or not path.stack:
                yield path
                continue
            after = self._advance(path)
            if after is None:
                yield path
            else:
                work.extend(reversed([item for item in after if item.possible]))

    def _advance(self, path: Path) -> list[Path] | None:
        """One instruction or micro-step further; `None` where the path has to stop."""
        top = path.stack[-1]
        if isinstance(top, KernelActivation):
            return self.kernel_steps.take(path, top)
        node = top.routine.nodes[top.node]
        self.world.reached.add((top.routine.name, top.node))
        top.flow.arrive(top.node, self.joins(top.routine))
        if not path.acted:
            path.source = node.source
        mark = (len(path.stack), top.routine.name, top.node, frozenset(_known(top)))
        if mark in path.seen:
            _end_round(path)
            return None
        path.seen.add(mark)
        return self._instruction(path, top, node)

    # Driver instructions.

    def _instruction(self, path: Path, top: RoutineActivation, node: Node) -> list[Path] | None:
        """Execute one instruction of a driver routine."""
        instruction = node.instruction
        match instruction:
            case Assign(target, value):
                top.flow.locals[target] = top.flow.of(value) | indirect(path.ruled)
                return self._assign(
                    path, top, target, top.value(value, self.places.ranges()), node.following
                )
            case Branch(condition, then, otherwise):
                top.flow.branch(condition, self.joins(top.routine).ends[top.node])
                return self._branch(
                    path, top.value(condition, self.places.ranges()), then, otherwise
                )
            case Choose(target, values, opaque):
                return self._choose(
                    path,
                    target,
                    [top.value(item, self.places.ranges()) for item in values],
                    opaque,
                    node,
                )
            case Assert(condition, detail):
                return self._assert(
                    path, top, top.value(condition, self.places.ranges()), detail, node
                )
            case Return(value):
                return self._return(path, top, value, node)
            case Load():
                return None if path.must_stop() else self._load(path, top, instruction, node)
            case Store():
                return None if path.must_stop() else self._store(path, top, instruction, node)
            case Call():
                return self.calls.enter(path, top, instruction, node)
            case _:
                assert_never(instruction)

    def _assign(
        self, path: Path, top: RoutineActivation, target: str, value: Expression, following: int
    ) -> list[Path]:
        """Give a local its new value, within its declared domain if it has one."""
        top.locals[target] = value
        self.places.keep_declared(path, top, target)
        top.node = following
        return [path]

    def _choose(
        self, path: Path, target: str, values: list[Expression], opaque: str, node: Node
    ) -> list[Path]:
        """Go on with each of the values."""
        forks: list[Path] = []
        for value in values:
            fork = path.fork()
            fork.opaque = opaque or fork.opaque
            fork.choices += (Choice(_shown(value), opaque, node.source),)
            top = fork.stack[-1]
            assert isinstance(top, RoutineActivation)  # noqa: S101  (a copy of the same stack)
            top.locals[target] = value
            top.flow.locals[target] = indirect(path.ruled)
            self.places.keep_declared(fork, top, target)
            top.node = node.following
            forks.append(fork)
        return forks

    def _branch(self, path: Path, condition: Expression, then: int, otherwise: int) -> list[Path]:
        """Go one way, or both where the condition depends on data."""
        forks: list[Path] = []
        ranges = self.places.ranges()
        condition = within(condition, ranges)
        for guard, node in ((condition, then), (negation(condition), otherwise)):
            if never(guard, ranges):
                continue
            fork = path.fork(() if is_true(guard) else (guard,))
            top = fork.stack[-1]
            assert isinstance(top, RoutineActivation)  # noqa: S101  (a copy of the same stack)
            top.node = node
            forks.append(fork)
        return forks

    def _assert(
        self, path: Path, top: RoutineActivation, condition: Expression, detail: str, node: Node
    ) -> list[Path]:
        """Check the author's claim."""
        condition = within(condition, self.places.ranges())
        if never(negation(condition), self.places.ranges()):
            top.node = node.following
            return [path]
        path.claim(Check("assertion-failed", condition, detail), node.source)
        if not path.failed:
            top.node = node.following
        return [path]

    def _return(
        self, path: Path, top: RoutineActivation, returned: Expression, node: Node
    ) -> list[Path]:
        """Leave the routine; where Windows called it, with what Windows then looks at."""
        value = top.value(returned, self.places.ranges())
        rests_on = top.flow.of(returned) | indirect(path.ruled)
        if top.role is not None:
            wrong = left_wrong(path, top, self.calls.kind)
            if wrong is not None:
                return [path.breaks(wrong, node.source)]
            forks = answers(path, top, value, self.places.ranges(), node.source)
            for fork, answer in forks:
                ended = fork.stack.pop()
                _forget_rounds(fork)
                if declined(self.world, fork, ended, answer, node.source):
                    continue
                give(fork, answer, self.places, rests_on)
            return [fork for fork, _ in forks]
        path.stack.pop()
        _forget_rounds(path)
        give(path, value, self.places, rests_on)
        if path.atomic_base is not None and len(path.stack) == path.atomic_base:
            path.atomic_base = None
            return quieted(self.world, path)
        return [path]

    def _load(self, path: Path, top: RoutineActivation, load: Load, node: Node) -> list[Path]:
        """Read a shared place into a local; a reference splits by what it holds."""
        path.acted = True
        located = self.places.locate(path, top, load.place, node.source)
        if path.failed or located is None:
            return [path]
        path.name = path.name or f"reads {located.text}"
        path.accesses += located.access()
        seen = indirect(path.ruled)
        if path.atomic_base is None:
            path.touches.append(Touch(located.text, located.index))
            seen |= {Seen(located.text, located.index)}
        forks: list[Path] = []
        for fork, value in self._values(path, located):
            current = fork.stack[-1]
            assert isinstance(current, RoutineActivation)  # noqa: S101  (a copy of the same stack)
            current.locals[load.target] = value
            current.flow.locals[load.target] = seen
            self.places.keep_declared(fork, current, load.target)
            current.node = node.following
            forks.append(fork)
        return forks

    def _values(self, path: Path, located: Located) -> list[tuple[Path, Expression]]:
        """The value at a place; one fork for each value of a reference."""
        if not isinstance(located.domain, Enumeration):
            return [(path, located.value)]
        forks: list[tuple[Path, Expression]] = []
        for label in located.domain.labels:
            guard = equal(located.value, Constant(label))
            if not is_false(guard):
                forks.append((path.fork((guard,)), Constant(label)))
        return forks

    def _store(self, path: Path, top: RoutineActivation, store: Store, node: Node) -> list[Path]:
        """Write a shared place."""
        path.acted = True
        located = self.places.locate(path, top, store.place, node.source)
        if path.failed or located is None:
            return [path]
        path.name = path.name or f"writes {located.text}"
        value = top.value(store.value, self.places.ranges())
        value = stored(located, value, node.source)
        fitted, checks = fit(located.field, value, self.places.ranges())
        path.checks += checks
        path.accesses += located.access(fitted)
        if path.atomic_base is None:  # else reading and writing are one step
            path.touches.append(self._touch(path, located, top.flow.of(store.value)))
        if any(is_false(check.condition) for check in checks):
            path.failed = True
            return [path]
        path.updates.update(located.stored(fitted))
        top.node = node.following
        return [path] if path.atomic_base is not None else quieted(self.world, path)

    def _touch(self, path: Path, located: Located, given: Marks) -> Touch:
        """What a store means for updates, if its value rests on `given`.

        Who looks at a register knows that the device may change it: only a value that is computed
        from what was read there makes an update.
        """
        if located.field.kind is FieldKind.REGISTER:
            return Touch(located.text, located.index, given, writes=True, computed=True)
        rests_on, computed = given | indirect(path.ruled), bool(given)
        return Touch(located.text, located.index, rests_on, writes=True, computed=computed)


def _shown(value: Expression) -> str:
    """A value that is chosen, as a reader knows it."""
    return str(value.value) if isinstance(value, Constant) else "computed"


def _end_round(path: Path) -> None:
    """Stop where a loop comes round, so that loops over data take a step for each round."""
    if path.atomic_base is not None:
        raise CompileError(
            "a routine of a device is one step, and the end of this loop depends on data",
            path.source,
            "give it a constant number of rounds: for i in range(4)",
        )
    path.name = path.name or "loops"
    path.acted = True


def _forget_rounds(path: Path) -> None:
    """Forget where routines that have returned have been: called again, they are not in a loop."""
    path.seen = {mark for mark in path.seen if mark[0] <= len(path.stack)}


def _known(top: RoutineActivation) -> Iterator[tuple[str, object]]:
    """The locals with a known value, to tell rounds of a loop apart."""
    return (
        (name, value.value) for name, value in top.locals.items() if isinstance(value, Constant)
    )
