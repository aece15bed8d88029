"""Taking the micro-steps that kernel rules emit."""

from dataclasses import dataclass
from typing import assert_never

from ..algebra import equal
from ..expr import FALSE, Constant
from ..kernel import dispatch
from ..kernel.levels import bad_address
from ..kernel.rule import Decide, Enter, Give, Held, Outcome, Record, Step, Walk
from ..kernel.world import NONE, World
from ..machine import Access, AccessKind, Check, Choice
from ..routine import NULL, AddressOf, Call, Routine
from .errors import CompileError
from .flow import NOTHING, Seen, Touch, indirect
from .line_effects import quieted
from .path import QUEUED, KernelActivation, Path, RoutineActivation, ends
from .places import Places
from .stack import give, push

EXCHANGES = ("InterlockedExchange", "InterlockedExchangePointer")
"""Interlocked routines that store what they are given, whatever was there."""


@dataclass(slots=True)
class KernelSteps:
    """Takes micro-steps for one context."""

    world: World
    places: Places
    routines: dict[str, Routine]
    context: str

    def take(self, path: Path, top: KernelActivation) -> list[Path] | None:
        """Take one micro-step, or leave the kernel routine when none is left."""
        if not top.micros:
            path.stack.pop()
            result = top.result if top.result is not None else Constant(0)
            give(path, result, self.places, top.rests_on)
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
                if micro.routine == NULL:
                    return [path.breaks(_calls_null(path, top), top.source)]
                if micro.routine not in self.routines:
                    raise CompileError(
                        f"{top.routine} is given no routine to call",
                        top.source,
                        "pass a routine of the driver without calling it: self.Routine",
                    )
                push(
                    path,
                    self.routines[micro.routine],
                    micro.arguments,
                    top.source,
                    self.places,
                    role=micro.role,
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
        path.takes, path.waits_on = step.takes, step.waits_on
        path.checks += step.checks
        if any(map(ends, step.checks)):
            path.failed = True
            return [path]
        accesses = [self.places.whole(access) for access in step.accesses]
        path.accesses += accesses
        path.touches += (self._touch(path, access) for access in accesses)
        return [
            fork
            for number, outcome in enumerate(step.outcomes)
            for fork in self._outcome(self._chosen(path, number, outcome), step, outcome)
        ]

    def _chosen(self, path: Path, number: int, outcome: Outcome) -> Path:
        """A fork in which the step ends in one of its ways."""
        fork = path.fork(outcome.guard)
        fork.choices += (Choice(f"outcome {number}"),)
        return fork

    def _touch(self, path: Path, access: Access) -> Touch:
        """What an access of the routine on top means for updates; its result may rest on it."""
        top, caller = path.stack[-1], path.stack[-2]
        assert isinstance(top, KernelActivation)  # noqa: S101  (the step came from it)
        assert isinstance(caller, RoutineActivation)  # noqa: S101  (only drivers pass addresses)
        call = caller.routine.nodes[caller.node].instruction
        assert isinstance(call, Call)  # noqa: S101  (it is in progress)
        given = caller.flow.of_arguments(call.arguments)
        match access.kind:
            case AccessKind.PLAIN_READ | AccessKind.VOLATILE_READ:
                top.rests_on = frozenset((Seen(access.location, access.index),))
                return Touch(access.location, access.index)
            case AccessKind.INTERLOCKED:
                rests_on = given if top.routine in EXCHANGES else NOTHING
                if call.target is None and _stores_anew(top.routine, call, caller):
                    rests_on |= path.ruled
                return Touch(access.location, access.index, rests_on, writes=True, atomic=True)
            case AccessKind.PLAIN_WRITE | AccessKind.VOLATILE_WRITE:
                return Touch(
                    access.location,
                    access.index,
                    given | indirect(path.ruled),
                    writes=True,
                    computed=bool(given),
                )
            case _:
                assert_never(access.kind)

    def _outcome(self, path: Path, step: Step, outcome: Outcome) -> list[Path]:
        """End a kernel step one of its ways."""
        top = path.stack[-1]
        assert isinstance(top, KernelActivation)  # noqa: S101  (the step came from it)
        path.name = outcome.name or path.name
        path.spontaneous = outcome.spontaneous
        path.lucky = path.lucky or outcome.lucky
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
            saved = max(outcome.saves, step.saves)
            path.held = (*path.held, Held(lock, top.routine, saved, previous, step.through))
        path.updates.update(outcome.updates)
        if step.raises:
            path.raised = (*path.raised, path.irql)
        if step.lowers:
            path.raised = path.raised[:-1]
        if step.still_raised_from >= 0:
            path.raised = (*path.raised, step.still_raised_from)
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
            path.handled = path.handled or QUEUED
        return quieted(self.world, path) if step.accesses else [path]


def _stores_anew(routine: str, call: Call, caller: RoutineActivation) -> bool:
    """Whether an interlocked routine leaves nothing of what was there."""
    if routine in EXCHANGES:
        return True
    mask = call.arguments[-1]
    return (
        routine == "InterlockedAnd"
        and not isinstance(mask, AddressOf)
        and caller.value(mask, {}) == Constant(0)
    )


def _calls_null(path: Path, top: KernelActivation) -> Check:
    """A kernel routine calls, in place of a routine of the driver, the address NULL."""
    detail = f"{top.routine} calls a routine that is NULL"
    return Check("null-dereference", FALSE, detail, bad_address(path.irql, in_kernel=False))
