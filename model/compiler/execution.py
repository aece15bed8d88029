"""Symbolic execution of driver routines and kernel micro-steps: one transition at a time."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import assert_never

from ..algebra import equal, interval, is_false, is_true, negation
from ..domain import Enumeration, Range
from ..expr import FALSE, Constant, Expression, Read
from ..kernel.levels import bad_address
from ..kernel.memory import fit
from ..kernel.rule import KernelCall, KernelRoutine, RuleError
from ..kernel.signature import Passing
from ..kernel.world import World
from ..machine import Check, ContextKind
from ..routine import (
    AddressOf,
    Argument,
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
from .errors import CompileError
from .kernel_steps import KernelSteps
from .line_effects import declined, quieted
from .path import KernelActivation, Path, RoutineActivation
from .places import Located, Places
from .stack import give, left_wrong, must_stop, push, serving

_MOST_VALUES = 16
"""Values of a data argument that a kernel rule needs to know."""

_LONGEST_LOCAL_RUN = 2_000
"""Local instructions in one transition before the compiler suspects an endless loop."""


@dataclass(slots=True)
class Executor:
    """Runs paths of one context. `label` names the program point the current path started from."""

    world: World
    places: Places
    routines: dict[str, Routine]
    kernel: dict[str, KernelRoutine]
    context: str
    kind: ContextKind
    entry_irql: int
    label: str = ""
    kernel_steps: KernelSteps = field(init=False)

    def __post_init__(self) -> None:
        """Set up the part that takes kernel micro-steps."""
        self.kernel_steps = KernelSteps(self.world, self.places, self.routines, self.context)

    def run(self, start: Path) -> Iterator[Path]:
        """Every way in which `start` can reach its next visible action, its end, or a failure."""
        work = [start]
        steps = 0
        while work:
            path = work.pop()
            steps += 1
            if steps > _LONGEST_LOCAL_RUN:
                raise CompileError(
                    "this code runs for too long without touching anything shared", path.source
                )
            if path.failed or not path.stack:
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
        if not path.acted:
            path.source = node.source
        mark = (len(path.stack), top.routine.name, top.node, frozenset(_known(top)))
        if mark in path.seen:
            path.name = path.name or "loops"
            path.acted = True
            return None
        path.seen.add(mark)
        return self._instruction(path, top, node)

    # Driver instructions.

    def _instruction(self, path: Path, top: RoutineActivation, node: Node) -> list[Path] | None:
        """Execute one instruction of a driver routine."""
        instruction = node.instruction
        match instruction:
            case Assign(target, value):
                return self._assign(path, top, target, top.value(value), node.following)
            case Branch(condition, then, otherwise):
                return _branch(path, top.value(condition), then, otherwise)
            case Choose(target, values, opaque):
                return self._choose(
                    path, target, [top.value(item) for item in values], opaque, node
                )
            case Assert(condition, detail):
                return _assert(path, top, top.value(condition), detail, node)
            case Return(value):
                return self._return(path, top, top.value(value))
            case Load():
                return None if must_stop(path) else self._load(path, top, instruction, node)
            case Store():
                return None if must_stop(path) else self._store(path, top, instruction, node)
            case Call():
                return self._call(path, top, instruction, node)
            case _:
                assert_never(instruction)

    def _assign(
        self, path: Path, top: RoutineActivation, target: str, value: Expression, following: int
    ) -> list[Path]:
        """Give a local its new value, within its declared domain if it has one."""
        declared = dict(top.routine.domains).get(target)
        if isinstance(declared, Range):
            low, high = Constant(declared.low), Constant(declared.high)
            inside = self.places.inside(value, low, high)
            if not is_true(inside):
                detail = f"{target} is declared to hold {declared.low} to {declared.high}"
                path.checks.append(Check("value-out-of-range", inside, detail))
                if is_false(inside):
                    path.failed = True
                    return [path]
        top.locals[target] = value
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
            top = fork.stack[-1]
            assert isinstance(top, RoutineActivation)  # noqa: S101  (a copy of the same stack)
            top.locals[target] = value
            top.node = node.following
            forks.append(fork)
        return forks

    def _return(self, path: Path, top: RoutineActivation, value: Expression) -> list[Path]:
        """Leave the routine; where Windows called it, with what Windows then looks at."""
        if top.entered:
            wrong = left_wrong(path, top)
            if wrong is not None:
                return [path.fail(wrong)]
            if len(path.stack) == 1:
                path.stack.pop()
                path.result = value
                return [path]
            forks = path.split(value, self.places.ranges())
            for fork, known in forks:
                ended = fork.stack.pop()
                if declined(self.world, fork, ended, known):
                    continue
                give(fork, known)
            return [fork for fork, _ in forks]
        path.stack.pop()
        give(path, value)
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
        path.accesses += located.access(write=False)
        forks: list[Path] = []
        for fork, value in self._values(path, located):
            current = fork.stack[-1]
            assert isinstance(current, RoutineActivation)  # noqa: S101  (a copy of the same stack)
            current.locals[load.target] = value
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
        path.accesses += located.access(write=True, completes_update=store.completes_update)
        value = top.value(store.value)
        if isinstance(located.domain, Enumeration) and value == Constant(0):
            value = Constant("NULL")
        fitted, checks = fit(located.field, value, self.places.ranges())
        path.checks += checks
        path.updates.update(located.stored(fitted))
        top.node = node.following
        return [path] if path.atomic_base is not None else quieted(self.world, path)

    # Calls.

    def _call(
        self, path: Path, top: RoutineActivation, call: Call, node: Node
    ) -> list[Path] | None:
        """Enter a routine of the driver, a register routine of its device, or the kernel."""
        target = top.value(call.routine)
        if not isinstance(target, Constant) or not isinstance(target.value, str):
            raise CompileError("the routine to call must be known here", node.source)
        name = target.value
        if name in self.routines:
            if name in self.places.device_routines and path.atomic_base is None:
                if path.acted:
                    return None
                self._begin_atomic(path, name)
            arguments = tuple(self._argument(path, top, item, node) for item in call.arguments)
            push(path, self.routines[name], arguments, node.source)
            return [path]
        if name in self.kernel:
            return self._kernel(path, top, self.kernel[name], call, node)
        if name == "NULL":
            path.acted = True
            detail = "calls through a routine pointer that is NULL"
            crash = bad_address(path.irql, in_kernel=False)
            return [path.fail(Check("null-dereference", FALSE, detail, crash))]
        raise CompileError(f"there is no routine {name}", node.source)

    def _argument(
        self, path: Path, top: RoutineActivation, argument: Argument, node: Node
    ) -> Expression:
        """The value of an argument; an address becomes the name of its variable."""
        if isinstance(argument, AddressOf):
            located = self.places.locate(path, top, argument.place, node.source)
            variable = located.variable if located is not None else ""
            if not variable and not path.failed:
                raise CompileError("the index of an address must be known here", node.source)
            return Constant(f"&{variable}")
        return top.value(argument)

    def _begin_atomic(self, path: Path, name: str) -> None:
        """Begin an access to a device register that has effects: one atomic step."""
        path.acted = True
        path.name = name
        path.atomic_base = len(path.stack)
        self.places.require_alive(path, name.partition(".")[0])

    def _kernel(
        self,
        path: Path,
        top: RoutineActivation,
        routine: KernelRoutine,
        call: Call,
        node: Node,
    ) -> list[Path] | None:
        """Enter a kernel routine: its rule says what happens."""
        if path.acted:
            return None
        arguments = {
            name: self._argument(path, top, argument, node)
            for name, argument in zip(_names(routine), call.arguments, strict=True)
        }
        for parameter in routine.parameters:
            if parameter.known and not isinstance(arguments[parameter.name], Constant):
                return self._each_value(path, call, parameter.name, arguments, node)
        for value in arguments.values():
            self._alive_argument(path, value)
        request = KernelCall(
            routine.name,
            arguments,
            self.context,
            self.kind,
            path.irql,
            self.entry_irql,
            self.label,
            path.held,
            serving(path),
            call.target is None,
        )
        try:
            micros = routine.emit(request, self.world)
        except RuleError as error:
            null = _null_object(routine, arguments)
            if not null:
                raise CompileError(str(error), node.source) from error
            path.acted, path.name = True, routine.name
            detail = f"{routine.name} is called with {null} NULL"
            crash = bad_address(path.irql, in_kernel=True)
            return [path.fail(Check("null-dereference", FALSE, detail, crash))]
        path.stack.append(KernelActivation(routine.name, micros, None, node.source))
        return [path]

    def _each_value(
        self,
        path: Path,
        call: Call,
        parameter: str,
        arguments: dict[str, Expression],
        node: Node,
    ) -> list[Path]:
        """Forks in which the local that is passed for `parameter` has a known value."""
        position = list(arguments).index(parameter)
        argument = call.arguments[position]
        bounds = interval(arguments[parameter], self.places.ranges())
        if not isinstance(argument, Read) or bounds.high - bounds.low >= _MOST_VALUES:
            raise CompileError(
                f"{parameter} can have too many values here",
                node.source,
                f"pass a local or field with at most {_MOST_VALUES} values",
            )
        forks: list[Path] = []
        for value in range(bounds.low, bounds.high + 1):
            fork = path.fork((equal(arguments[parameter], Constant(value)),))
            current = fork.stack[-1]
            assert isinstance(current, RoutineActivation)  # noqa: S101  (a copy of the same stack)
            current.locals[argument.variable] = Constant(value)
            fork.seen.clear()
            forks.append(fork)
        return forks

    def _alive_argument(self, path: Path, value: Expression) -> None:
        """An object passed to the kernel must still exist."""
        if isinstance(value, Constant) and isinstance(value.value, str):
            name = value.value
            if name in self.world.objects and self.world.objects[name].type not in (
                "driver",
                "device",
            ):
                self.places.require_alive(path, name)


def _known(top: RoutineActivation) -> Iterator[tuple[str, object]]:
    """The locals with a known value, to tell rounds of a loop apart."""
    return (
        (name, value.value) for name, value in top.locals.items() if isinstance(value, Constant)
    )


def _names(routine: KernelRoutine) -> Iterator[str]:
    """The parameters as arguments come: structures member by member, results left out."""
    for parameter in routine.parameters:
        if parameter.passing is Passing.STRUCTURE:
            yield from (member.name for member in parameter.members)
        elif parameter.passing is not Passing.OUT:
            yield parameter.name


def _null_object(routine: KernelRoutine, arguments: dict[str, Expression]) -> str:
    """The parameter that needs an object and was given `NULL`, or empty."""
    for parameter in routine.parameters:
        if parameter.default is None and arguments.get(parameter.name) == Constant("NULL"):
            return parameter.name
    return ""


def _branch(path: Path, condition: Expression, then: int, otherwise: int) -> list[Path]:
    """Go one way, or both where the condition depends on data."""
    forks: list[Path] = []
    for guard, node in ((condition, then), (negation(condition), otherwise)):
        if is_false(guard):
            continue
        fork = path.fork(() if is_true(guard) else (guard,))
        top = fork.stack[-1]
        assert isinstance(top, RoutineActivation)  # noqa: S101  (a copy of the same stack)
        top.node = node
        forks.append(fork)
    return forks


def _assert(
    path: Path, top: RoutineActivation, condition: Expression, detail: str, node: Node
) -> list[Path]:
    """Check the author's claim as part of the step that leads here."""
    if not is_true(condition):
        path.checks.append(Check("assertion-failed", condition, detail))
        path.name = path.name or "assertion"
        if is_false(condition):
            path.failed = True
            return [path]
    top.node = node.following
    return [path]
