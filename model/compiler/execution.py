"""Symbolic execution of driver routines and kernel micro-steps: one transition at a time."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import assert_never

from ..algebra import (
    equal,
    is_false,
    is_true,
    negation,
    substitute,
)
from ..domain import Enumeration, Range
from ..expr import FALSE, Constant, Expression
from ..kernel import dispatch
from ..kernel.levels import level_name
from ..kernel.memory import fit
from ..kernel.rule import (
    Decide,
    Enter,
    Give,
    Held,
    KernelCall,
    KernelRoutine,
    Outcome,
    Record,
    RuleError,
    Step,
    Walk,
)
from ..kernel.signature import Passing
from ..kernel.world import NONE, World
from ..machine import Check, ContextKind, Source
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
from .path import Activation, KernelActivation, Path, RoutineActivation
from .places import Located, Places

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
            return self._micro(path, top)
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
                return self._choose(path, target, [top.value(item) for item in values], opaque, node)
            case Assert(condition, detail):
                return _assert(path, top, top.value(condition), detail, node)
            case Return(value):
                return self._return(path, top, top.value(value))
            case Load():
                return None if _must_stop(path) else self._load(path, top, instruction, node)
            case Store():
                return None if _must_stop(path) else self._store(path, top, instruction, node)
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
            left_wrong = _left_wrong(path, top)
            if left_wrong is not None:
                return [path.fail(left_wrong)]
            if len(path.stack) == 1:
                path.stack.pop()
                path.result = value
                return [path]
            forks = path.split(value, self.places.ranges())
            for fork, known in forks:
                ended = fork.stack.pop()
                if self._declined(fork, ended, known):
                    continue
                _give(fork, known)
            return [fork for fork, _ in forks]
        path.stack.pop()
        _give(path, value)
        if path.atomic_base is not None and len(path.stack) == path.atomic_base:
            path.atomic_base = None
            return self._quieted(path)
        return [path]

    def _declined(self, path: Path, ended: Activation, known: Constant) -> bool:
        """Fail a service routine on a shared line that did its work and answers FALSE."""
        serves = ended.serves if isinstance(ended, RoutineActivation) else ""
        found = self.world.interrupt(serves) if serves else None
        if found is None:
            return False
        handled, path.handled = path.handled, False
        line = self.world.lines[found.registration.line]
        if not (handled and line.shared and known.value == 0):
            return False
        cost = (
            "an edge of the other device can be lost"
            if line.latched
            else "every other service routine on the line is called for nothing"
        )
        path.fail(
            Check(
                "handled-but-unclaimed",
                FALSE,
                f"{found.registration.routine} served its device and returns FALSE: {cost}",
            )
        )
        return True

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
        return [path] if path.atomic_base is not None else self._quieted(path)

    def _quieted(self, path: Path) -> list[Path]:
        """Tell the forks apart in which a service routine just quieted its device's shared line."""
        serves = next(
            (item.serves for item in path.stack if isinstance(item, RoutineActivation) and item.serves),
            "",
        )
        found = self.world.interrupt(serves) if serves and not path.handled else None
        if found is None or not self.world.lines[found.registration.line].shared:
            return [path]
        before = self.world.asserted[found.registration.line]
        after = substitute(before, path.updates)
        if after == before:
            return [path]
        quiet = [before, negation(after)]
        served = path.fork(quiet)
        served.handled = True
        return [served, path.fork((self.places.not_all(quiet),))]

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
                self._begin_atomic(path, name, node.source)
                if path.failed:
                    return [path]
            arguments = tuple(self._argument(path, top, item, node) for item in call.arguments)
            self._push(path, self.routines[name], arguments, node.source)
            return [path]
        if name in self.kernel:
            return self._kernel(path, top, self.kernel[name], call, node)
        if name == "NULL":
            path.acted = True
            detail = "calls through a routine pointer that is NULL"
            return [path.fail(Check("null-dereference", FALSE, detail, _BAD_ADDRESS))]
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

    def _push(
        self,
        path: Path,
        routine: Routine,
        arguments: tuple[Expression, ...],
        source: Source,
        *,
        entered: bool = False,
        serves: str = "",
    ) -> None:
        """Put a routine of the driver on the stack."""
        if any(
            isinstance(item, RoutineActivation) and item.routine.name == routine.name
            for item in path.stack
        ):
            raise CompileError(f"{routine.name} calls itself through the kernel", source)
        values = dict(zip(routine.parameters, arguments, strict=False))
        for missing in routine.parameters[len(arguments) :]:
            values[missing] = Constant("NULL")
        path.stack.append(
            RoutineActivation(routine, 0, values, entered, path.irql, path.held, serves)
        )

    def _begin_atomic(self, path: Path, name: str, source: Source) -> None:
        """Begin an access to a device register that has effects: one atomic step."""
        path.acted = True
        path.name = name
        path.atomic_base = len(path.stack)
        self.places.require_alive(path, name.partition(".")[0], source)

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
        for value in arguments.values():
            self._alive_argument(path, value, node.source)
        if path.failed:
            path.acted = True
            path.name = routine.name
            return [path]
        request = KernelCall(
            routine.name,
            arguments,
            self.context,
            self.kind,
            path.irql,
            self.entry_irql,
            self.label,
            path.held,
            next((i.serves for i in path.stack if isinstance(i, RoutineActivation) and i.serves), ""),
            call.target is None,
        )
        try:
            micros = routine.emit(request, self.world)
        except RuleError as error:
            raise CompileError(str(error), node.source) from error
        path.stack.append(KernelActivation(routine.name, micros, None, node.source))
        return [path]

    def _alive_argument(self, path: Path, value: Expression, source: Source) -> None:
        """An object passed to the kernel must still exist."""
        if isinstance(value, Constant) and isinstance(value.value, str):
            name = value.value
            if name in self.world.objects and self.world.objects[name].type not in ("driver", "device"):
                self.places.require_alive(path, name, source)

    # Kernel micro-steps.

    def _micro(self, path: Path, top: KernelActivation) -> list[Path] | None:
        """Take one micro-step, or leave the kernel routine when none is left."""
        if not top.micros:
            path.stack.pop()
            _give(path, top.result if top.result is not None else Constant(0))
            return [path]
        micro, rest = top.micros[0], top.micros[1:]
        if not path.acted:
            path.source = top.source
        match micro:
            case Give(value):
                top.result, top.micros = value, rest
            case Record(updates):
                path.updates.update(updates)
                top.micros = rest
            case Walk():
                top.micros = (*dispatch.expand(self.world, micro), *rest)
            case Enter():
                top.micros = rest
                if micro.routine not in self.routines:
                    raise CompileError(f"{top.routine} is given no routine to call", top.source)
                self._push(
                    path,
                    self.routines[micro.routine],
                    micro.arguments,
                    top.source,
                    entered=True,
                    serves=micro.serves,
                )
            case Decide(when_true, when_false):
                result = top.result if top.result is not None else Constant(0)
                forks: list[Path] = []
                for fork, known in path.split(result, self.places.ranges()):
                    current = fork.stack[-1]
                    assert isinstance(current, KernelActivation)  # noqa: S101  (same stack)
                    current.micros = (*(when_true if known.value else when_false), *rest)
                    forks.append(fork)
                return forks
            case Step():
                return None if path.acted else self._step(path, micro)
            case _:
                assert_never(micro)
        return [path]

    def _step(self, path: Path, step: Step) -> list[Path]:
        """Take a kernel step: a fork for each outcome."""
        path.acted = True
        path.name = path.name or step.name
        path.rule = step.rule
        path.checks += step.checks
        if any(is_false(check.condition) for check in step.checks):
            path.failed = True
            return [path]
        path.accesses += step.accesses
        return [
            fork
            for outcome in step.outcomes
            for fork in self._outcome(path.fork(outcome.guard), step, outcome)
        ]

    def _outcome(self, path: Path, step: Step, outcome: Outcome) -> list[Path]:
        """End a kernel step one of its ways."""
        top = path.stack[-1]
        assert isinstance(top, KernelActivation)  # noqa: S101  (the step came from it)
        path.name = outcome.name or path.name
        lock = outcome.takes or step.takes
        previous = path.irql
        if lock:
            if any(held.lock == lock for held in path.held):
                detail = f"{top.routine} waits for {lock}, which {self.context} itself owns"
                bug_check = "0xF SPIN_LOCK_ALREADY_OWNED"
                return [path.fail(Check("recursive-lock-acquire", FALSE, detail, bug_check))]
            owner = self.world.owner(lock)
            path.guard.append(equal(owner, NONE))
            path.updates[owner.variable] = Constant(self.context)
            before = self._irql_before(path, top)
            path.held = (*path.held, Held(lock, top.routine, before, previous))
        path.updates.update(outcome.updates)
        level = outcome.irql if outcome.irql is not None else step.irql
        if level is not None:
            path.irql = level
        if step.drops:
            path.updates[self.world.owner(step.drops).variable] = NONE
            path.held = tuple(held for held in path.held if held.lock != step.drops)
        top.micros = (*outcome.then, *top.micros[1:])
        if outcome.result is not None:
            top.result = outcome.result
        if outcome.handled and any(
            isinstance(item, RoutineActivation) and item.serves for item in path.stack
        ):
            path.handled = True
        return self._quieted(path) if step.accesses else [path]

    def _irql_before(self, path: Path, top: KernelActivation) -> int:
        """The IRQL that the routine which takes a lock will report as the old one."""
        del path
        for micro in top.micros:
            if isinstance(micro, Give) and isinstance(micro.value, Constant):
                return int(micro.value.value)
        return -1


_BAD_ADDRESS = "0xD1 DRIVER_IRQL_NOT_LESS_OR_EQUAL"


def _known(top: RoutineActivation) -> Iterator[tuple[str, object]]:
    """The locals with a known value, to tell rounds of a loop apart."""
    return ((name, value.value) for name, value in top.locals.items() if isinstance(value, Constant))


def _must_stop(path: Path) -> bool:
    """Whether a visible action has to wait for the next transition."""
    return path.acted and path.atomic_base is None


def _names(routine: KernelRoutine) -> Iterator[str]:
    """The parameters as arguments come: structures member by member, results left out."""
    for parameter in routine.parameters:
        if parameter.passing is Passing.STRUCTURE:
            yield from (member.name for member in parameter.members)
        elif parameter.passing is not Passing.OUT:
            yield parameter.name


def _give(path: Path, value: Expression) -> None:
    """Hand a result to whoever is now on top of the stack."""
    if not path.stack:
        path.result = value
        return
    top = path.stack[-1]
    if isinstance(top, KernelActivation):
        top.result = value
        return
    node = top.routine.nodes[top.node]
    assert isinstance(node.instruction, Call)  # noqa: S101  (only a call can be in progress)
    if node.instruction.target is not None:
        top.locals[node.instruction.target] = value
    top.node = node.following


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


def _left_wrong(path: Path, top: RoutineActivation) -> Check | None:
    """What a routine that Windows called leaves changed, if anything."""
    name = top.routine.name
    if path.held != top.entry_held:
        extra = [held.lock for held in path.held if held not in top.entry_held]
        what = f"holding {', '.join(extra)}" if extra else "having released a lock of its caller"
        return Check("lock-held-at-return", FALSE, f"{name} returns {what}")
    if path.irql != top.entry_irql:
        return Check(
            "irql-not-restored",
            FALSE,
            f"{name} was called at {level_name(top.entry_irql)} and returns at "
            f"{level_name(path.irql)}",
            "0xC8 IRQL_UNEXPECTED_VALUE",
        )
    return None

