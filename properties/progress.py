"""Progress: whoever has started can still finish."""

from collections.abc import Iterable
from dataclasses import dataclass

from dirql.model.algebra import member
from dirql.model.expr import Compare, Constant, Expression, IfThenElse, Member, Read
from dirql.model.kernel.levels import DISPATCH_LEVEL
from dirql.model.machine import Context, ContextKind, Progress, Transition
from dirql.model.system import Point, System

from .property import Conditions


def stuck_context(system: System) -> Conditions:
    """A context that has started can, whatever happens from here on, never finish.

    What it checks:
        From every reachable state, for every thread, DPC, service routine and worker that is
        under way, that some continuation leads to its end. For a thread that loops for ever by
        design there is no end; for such a thread, that it can leave each point at which it waits,
        and that it gets back below DISPATCH_LEVEL whenever it is raised.
        No fairness is assumed: it is enough that one continuation exists.

    Why it matters:
        This one property finds deadlocks of every make, waits for an event that nobody sets any
        more, and processors that never get back below DISPATCH_LEVEL.

    Example:
        def Remove(self):
            self.flags |= HALT
            if not KeCancelTimer(self.timer):
                KeWaitForSingleObject(self.timer_gone, Executive, KernelMode, FALSE, NULL)

        def TimerDpc(self, Dpc, DeferredContext):
            self.flags &= ~RESET                       # a torn update loses HALT
            if self.flags & HALT:
                KeSetEvent(self.timer_gone, 0, FALSE)
            else:
                KeSetTimer(self.timer, 1, self.timer_dpc)

    Fixed:
        def Remove(self):
            InterlockedOr(self.flags, HALT)
            if not KeCancelTimer(self.timer):
                KeWaitForSingleObject(self.timer_gone, Executive, KernelMode, FALSE, NULL)

        def TimerDpc(self, Dpc, DeferredContext):
            if InterlockedAnd(self.flags, ~RESET) & HALT:
                KeSetEvent(self.timer_gone, 0, FALSE)
            else:
                KeSetTimer(self.timer, 1, self.timer_dpc)

    References:
        1.3.8, 1.5.2, 4.2.9, 4.5.3, 6.2.6, 7.6.4, R21, R22, R23, R43, R49;
        "Introduction to kernel dispatcher objects", "Debugging an interrupt storm";
        0x133 DPC_WATCHDOG_VIOLATION at DISPATCH_LEVEL and above, else a plain hang.
    """
    found: list[Progress] = []
    for context in sorted(system.machine.contexts, key=_least_dependent):
        if context.counter:
            points = tuple(point for point in system.points if point.context == context.name)
            steps = tuple(
                item
                for item in system.machine.transitions
                if item.context == context.name and not item.lucky
            )
            found += _progress(_Thread(context, points, steps))
    return tuple(found)


def _least_dependent(context: Context) -> int:
    """Service routines first, then DPCs: who is stuck highest is stuck for reasons of its own."""
    order = (ContextKind.ISR, ContextKind.DPC)
    return order.index(context.kind) if context.kind in order else len(order)


@dataclass(frozen=True, slots=True)
class _Thread:
    """A context with its points and its own transitions."""

    context: Context
    points: tuple[Point, ...]
    steps: tuple[Transition, ...]

    def at(self, labels: Iterable[str]) -> Expression:
        """The program counter stands at one of `labels`."""
        return member(Read(self.context.counter), labels)


def _progress(thread: _Thread) -> tuple[Progress, ...]:
    """One condition for the points that can end, one for each waiting point of those that cannot.

    Nobody loops for ever raised by design: of such points one more condition asks for the way down.
    Stepping from the first into the second counts as an end: what follows is theirs to judge.
    """
    labels = frozenset(point.label for point in thread.points)
    ends = frozenset(point.label for point in thread.points if point.end)
    ending = _leading_to(thread, ends, labels)
    forever = labels - ending
    name = thread.context.name
    conditions: list[Progress] = []
    if ending - ends:
        conditions.append(
            Progress(
                "stuck-context",
                name,
                live=thread.at(ending - ends),
                goal=thread.at(ends | forever),
                detail=f"{name} can never finish",
            )
        )
    raised = frozenset(
        point.label
        for point in thread.points
        if point.label in forever and point.irql >= DISPATCH_LEVEL
    )
    if raised:
        conditions.append(
            Progress(
                "stuck-context",
                name,
                live=thread.at(raised),
                goal=thread.at(labels - raised),
                detail=f"{name} can never get back below DISPATCH_LEVEL",
            )
        )
    held_up = _held_up(thread, labels)
    conditions.extend(
        Progress(
            "stuck-context",
            name,
            live=thread.at((point.label,)),
            goal=thread.at(labels - {point.label}),
            detail=f"{name} can never go on{_wait(point)}",
        )
        for point in thread.points
        if point.label in forever and (point.waits_for or point.waits_on or point.label in held_up)
    )
    return tuple(conditions)


def _leading_to(thread: _Thread, ends: frozenset[str], labels: frozenset[str]) -> frozenset[str]:
    """The points from which the context's own steps lead to one of `ends`."""
    before: dict[str, set[str]] = {label: set() for label in labels}
    for step in thread.steps:
        for source in _sources(thread, step, labels):
            for target in _targets(thread, step, source, labels):
                before.setdefault(target, set()).add(source)
    reached, pending = set(ends), list(ends)
    while pending:
        grown = before.get(pending.pop(), set[str]()) - reached
        reached |= grown
        pending += grown
    return frozenset(reached)


def _sources(thread: _Thread, step: Transition, labels: frozenset[str]) -> frozenset[str]:
    """The points from which `step` can be taken, by the atoms on the counter in its guard."""
    possible = labels
    for atom in step.guard:
        test = _counter_test(thread, atom)
        if test is not None:
            possible &= test
    return possible


def _targets(
    thread: _Thread, step: Transition, source: str, labels: frozenset[str]
) -> frozenset[str]:
    """The points to which `step` can lead from `source`."""
    values = [value for variable, value in step.updates if variable == thread.context.counter]
    return _outcomes(values[0], labels) if values else frozenset((source,))


def _outcomes(value: Expression, labels: frozenset[str]) -> frozenset[str]:
    match value:
        case Constant(str(label)):
            return frozenset((label,))
        case IfThenElse(_, then, otherwise):
            return _outcomes(then, labels) | _outcomes(otherwise, labels)
        case _:
            return labels


def _counter_test(thread: _Thread, atom: Expression) -> frozenset[str] | None:
    """The points that `atom` allows, if it asks where the counter stands and nothing else."""
    counter = Read(thread.context.counter)
    match atom:
        case Compare("==", left, Constant(str(label))) if left == counter:
            return frozenset((label,))
        case Compare("==", Constant(str(label)), right) if right == counter:
            return frozenset((label,))
        case Member(operand, values) if operand == counter:
            return frozenset(str(value) for value in values)
        case _:
            return None


def _held_up(thread: _Thread, labels: frozenset[str]) -> frozenset[str]:
    """The points with a step that asks for more than that the context stands there."""
    asking = (
        _sources(thread, step, labels)
        for step in thread.steps
        if any(_counter_test(thread, atom) is None for atom in step.guard)
    )
    return frozenset[str]().union(*asking)


def _wait(point: Point) -> str:
    waited = point.waits_for or point.waits_on
    return f": it waits for {waited}" if waited else ""
