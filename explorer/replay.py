"""Replay: run a trace again and see for oneself.

Whoever reports a violation hands over a trace, and this module believes none of it. It shares only
the evaluation of expressions and the words of a race with the search: which steps are enabled, what
they change, and that the end is as bad as the trace says are all worked out anew, in the slowest
and plainest way.
"""

from dataclasses import replace

from dirql.model.digest import digest
from dirql.model.dump import expression_text
from dirql.model.expr import Expression
from dirql.model.machine import (
    Access,
    AccessKind,
    Invariant,
    Machine,
    Progress,
    Span,
    Transition,
)
from dirql.properties import alone

from .evaluate import Evaluator, State
from .races import TORN_UPDATE, meeting, torn
from .recording import Recorder
from .trace import Step, Trace, Violation

_READS = (AccessKind.PLAIN_READ, AccessKind.VOLATILE_READ)
_PLAIN = (AccessKind.PLAIN_READ, AccessKind.PLAIN_WRITE)


class ReplayError(ValueError):
    """A trace that does not belong to the machine, or does not show what it says."""


def recorded(machine: Machine, trace: Trace) -> Trace:
    """`trace` run on `machine` and written down anew, so that nothing in it is hearsay.

    Places in the source are those of `machine`: the file may have moved, or have other comments.

    Raises:
        ReplayError: as `replay`.
    """
    states = replay(machine, trace)
    recorder = Recorder(machine, Evaluator(machine))
    taken, beyond = ([step.transition for step in part] for part in (trace.steps, trace.onward))
    told = recorder.trace(states[: len(taken) + 1], taken, trace.violation)
    return replace(told, onward=recorder.steps(states[len(taken) :], beyond) if beyond else ())


def replay(machine: Machine, trace: Trace) -> tuple[State, ...]:
    """Run `trace` on `machine`; return the states it passes, the initial one first.

    On the way it may break other properties that a free build of Windows survives. The steps that
    follow a violation are run like those that lead to it.

    Raises:
        ReplayError: the machine is another one, a step cannot be taken or changes something else,
            or there is no violation at the end.
    """
    found = digest(machine)
    if found != trace.digest:
        raise ReplayError(
            f"the trace was made on another machine: its digest is {trace.digest[:12]}, that of "
            f"{machine.name!r} is {found[:12]}; the pattern or dirql has changed since, check again"
        )
    return _Replay(alone(machine, trace.violation.property), trace).run()


class _Replay:
    def __init__(self, machine: Machine, trace: Trace) -> None:
        self._machine, self._trace = machine, trace
        self._evaluator = Evaluator(machine)
        self._irqls = {context.name: context.irql for context in machine.contexts}

    def run(self) -> tuple[State, ...]:
        """Take the steps one by one, then look at the end."""
        states = [self._initial()]
        steps = self._trace.steps
        breaking = len(steps) - 1 if self._trace.violation.at_step else len(steps)
        for number, step in enumerate(steps):
            place = f"step {number + 1} ({step.context}: {step.name})"
            transition = self._transition(step, place)
            self._compare_level(step, states[-1], place)
            broken = self._broken(transition, states[-1])
            if number == breaking:
                self._confirm_check(step, transition, states[-1], place)
                return tuple(states)
            if broken:
                raise ReplayError(f"{place} breaks {broken[0]}, and the trace goes on behind it")
            states.append(self._take(step, transition, states[-1], place))
        if self._trace.violation.at_step:
            raise ReplayError("the trace says its last step breaks a rule, and it has no step")
        self._confirm_state(states[-1])
        self._go_on(states)
        return tuple(states)

    def _go_on(self, states: list[State]) -> None:
        """Take the steps that follow a violation without a way back."""
        told = self._trace.violation
        if self._trace.onward and all(_lost_by(item) != told for item in self._machine.progress):
            raise ReplayError(f"no steps follow {told.property}, and the trace goes on behind it")
        for number, step in enumerate(self._trace.onward, len(states)):
            place = f"step {number} ({step.context}: {step.name})"
            transition = self._transition(step, place)
            self._compare_level(step, states[-1], place)
            if broken := self._broken(transition, states[-1]):
                raise ReplayError(f"{place} breaks {broken[0]}, and the trace goes on behind it")
            states.append(self._take(step, transition, states[-1], place))

    def _true(self, expression: Expression, state: State) -> bool:
        return self._evaluator.value(expression)(state) is True

    def _enabled(self, transition: Transition, state: State) -> bool:
        atoms = (*transition.guard, *transition.scheduling)
        return all(self._true(atom, state) for atom in atoms)

    def _broken(self, transition: Transition, state: State) -> list[str]:
        """The properties whose checks `transition` breaks in `state`."""
        checks = transition.checks
        return [item.property for item in checks if not self._true(item.condition, state)]

    def _after(self, transition: Transition, state: State) -> State:
        after = dict(zip(self._evaluator.slots, state, strict=True))
        for name, value in transition.updates:
            after[name] = self._evaluator.value(value)(state)
        return tuple(after.values())

    def _initial(self) -> State:
        given = self._trace.initial
        names = tuple(variable.name for variable in self._machine.variables)
        if tuple(name for name, _ in given) != names:
            raise ReplayError("the initial state does not list the variables of the machine")
        for variable, (name, value) in zip(self._machine.variables, given, strict=True):
            if not any(value == item and type(value) is type(item) for item in variable.initial):
                raise ReplayError(f"{name!r} does not start with {value!r}")
        return tuple(value for _, value in given)

    def _transition(self, step: Step, place: str) -> Transition:
        if not 0 <= step.transition < len(self._machine.transitions):
            raise ReplayError(f"{place}: the machine has no transition {step.transition}")
        transition = self._machine.transitions[step.transition]
        if (transition.name, transition.context) != (step.name, step.context):
            raise ReplayError(
                f"{place}: transition {step.transition} of the machine is {transition.name!r} "
                f"of {transition.context!r}"
            )
        return transition

    def _compare_level(self, step: Step, state: State, place: str) -> None:
        level = self._evaluator.value(self._irqls[step.context])(state)
        if level != step.irql:
            raise ReplayError(f"{place}: it is at IRQL {level} there, the trace says {step.irql}")

    def _require_enabled(self, transition: Transition, state: State, place: str) -> None:
        for atom in (*transition.guard, *transition.scheduling):
            if not self._true(atom, state):
                raise ReplayError(f"{place} cannot happen there: {expression_text(atom)} is false")

    def _take(self, step: Step, transition: Transition, state: State, place: str) -> State:
        self._require_enabled(transition, state, place)
        after = self._after(transition, state)
        names = self._evaluator.slots
        changes = tuple(
            (name, old, new)
            for name, old, new in zip(names, state, after, strict=True)
            if old != new
        )
        if changes != step.changes:
            raise ReplayError(f"{place} changes {changes}, the trace says {step.changes}")
        return after

    def _confirm_check(self, step: Step, transition: Transition, state: State, place: str) -> None:
        self._require_enabled(transition, state, place)
        told = self._trace.violation
        if told.property not in self._broken(transition, state):
            raise ReplayError(f"{place} does not break {told.property}")
        broken = (
            Violation(item.property, item.detail, item.bug_check, at_step=True, contexts=(who,))
            for who in (transition.context,)
            for item in transition.checks
            if not self._true(item.condition, state)
        )
        if told not in broken:
            raise ReplayError(f"{place} breaks {told.property}, but not in the way that is told")
        if step.changes:
            raise ReplayError(f"{place} is said to break a rule; such a step changes nothing")

    def _confirm_state(self, state: State) -> None:
        """One of the conditions of the name that the trace gives is violated in `state`."""
        violation = self._trace.violation
        for invariant in self._machine.invariants:
            found = Violation(
                invariant.property, invariant.detail, invariant.bug_check, at_step=False
            )
            if found == violation and self._false(invariant, state):
                return
        for progress in self._machine.progress:
            if _lost_by(progress) == violation and self._lost(progress, state):
                return
        if violation.property in self._machine.races and self._meeting(state):
            return
        steps = len(self._trace.steps)
        after = f"after step {steps}, the last" if steps else "at the start, before any step"
        raise ReplayError(f"the state {after}, does not violate {violation.property}")

    def _false(self, invariant: Invariant, state: State) -> bool:
        if invariant.quiescent and not self._resting(state):
            return False
        return not self._true(invariant.condition, state)

    def _resting(self, state: State) -> bool:
        """Whether `state` is quiescent."""
        owed = (item for item in self._machine.transitions if not item.spontaneous)
        return not any(self._enabled(item, state) for item in owed)

    def _lost(self, progress: Progress, state: State) -> bool:
        """No goal state is reachable from `state`, which is live."""
        if not self._true(progress.live, state):
            return False
        known, pending = {state}, [state]
        while pending:
            current = pending.pop()
            if self._true(progress.goal, current):
                return False
            if progress.quiescent and self._resting(current):
                return False
            following = {
                self._after(item, current)
                for item in self._machine.transitions
                if not (item.lucky or (progress.owed and item.spontaneous))
                and self._enabled(item, current)
                and not self._broken(item, current)
            }
            pending.extend(following - known)
            known |= following
        return True

    def _meeting(self, state: State) -> bool:
        """The race of the trace is there: an access of each of its two contexts."""
        contexts = self._trace.violation.contexts
        if len(contexts) != len({*contexts}) or len(contexts) != 2:
            return False
        touches = [
            [
                (item, access)
                for item in self._machine.transitions
                if item.context == context
                for access in item.accesses
            ]
            for context in contexts
        ]
        told = self._trace.violation
        if told.property == TORN_UPDATE:
            return any(
                self._torn(span, other, state) and torn(span, other[0]) == told
                for span in self._machine.spans
                for other in touches[1]
            )
        return any(
            self._racing(one, other, state)
            and meeting(one, other, preempted=self._preempted(one[0], state)) == told
            for one in touches[0]
            for other in touches[1]
        )

    def _preempted(self, transition: Transition, state: State) -> bool:
        """Its context stands there, and the scheduling keeps it from going on."""
        return self._stands(transition, state) and not self._enabled(transition, state)

    def _stands(self, transition: Transition, state: State) -> bool:
        return all(self._true(atom, state) for atom in transition.guard)

    def _racing(
        self, one: tuple[Transition, Access], other: tuple[Transition, Access], state: State
    ) -> bool:
        kinds = (one[1].kind, other[1].kind)
        both = self._enabled(one[0], state)
        return (
            not all(kind in _READS for kind in kinds)
            and any(kind in _PLAIN for kind in (kinds if both else kinds[:1]))
            and {*kinds} != {AccessKind.PLAIN_READ, AccessKind.INTERLOCKED}
            and self._same_place(one[1], other[1], state)
            and self._stands(one[0], state)
            and self._enabled(other[0], state)
        )

    def _torn(self, span: Span, other: tuple[Transition, Access], state: State) -> bool:
        transition, access = other
        unseen = span.any_write and access.kind is not AccessKind.INTERLOCKED
        return (
            span.context != transition.context
            and access.kind not in _READS
            and self._same_place(span, access, state)
            and self._true(span.between, state)
            and self._enabled(transition, state)
            and (unseen or self._true(access.changes, state))
        )

    def _same_place(self, one: Access | Span, other: Access, state: State) -> bool:
        if one.location != other.location:
            return False
        if one.index is None or other.index is None:
            return True
        element = self._evaluator.value
        return element(one.index)(state) == element(other.index)(state)


def _lost_by(item: Progress) -> Violation:
    """How it is told that a state has no way to the goal of `item`."""
    who = (item.context,)
    return Violation(item.property, item.detail, item.bug_check, at_step=False, contexts=who)
