"""From a path through the states of a machine to a trace: plain data, readable by itself."""

from collections.abc import Callable, Sequence
from itertools import zip_longest

from dirql.model.digest import digest
from dirql.model.domain import PROCESSOR, Enumeration, Value
from dirql.model.expr import Or
from dirql.model.inspection import variables_of
from dirql.model.machine import ContextKind, Machine, Transition

from .evaluate import Evaluator, State
from .trace import Step, Trace, Violation

NOWHERE = "none"
"""The label of the processor of a context that occupies none."""

DISPATCH_LEVEL = 2


class Recorder:
    """Writes down paths through the states of one machine."""

    def __init__(self, machine: Machine, evaluator: Evaluator) -> None:
        """Prepare to place the contexts of `machine` on its processors."""
        self._machine = machine
        self._evaluator = evaluator
        self._names = [variable.name for variable in machine.variables]
        self._processors = processors(machine)
        self._places: dict[str, tuple[Callable[[State], Value], Callable[[State], Value]]] = {
            context.name: (evaluator.value(context.processor), evaluator.value(context.irql))
            for context in machine.contexts
        }
        self._placements = {
            context.name: variables_of(context.processor) for context in machine.contexts
        }
        self._hardware = frozenset(
            context.name for context in machine.contexts if context.kind is ContextKind.HARDWARE
        )

    def trace(self, states: Sequence[State], taken: Sequence[int], violation: Violation) -> Trace:
        """The trace through `states` by the transitions `taken`, ending in `violation`.

        There is one state more than transitions, or as many when the last step breaks a check:
        such a step leads to no state, and changes nothing.
        """
        initial = tuple(zip(self._names, states[0], strict=True))
        steps = self.steps(states, taken)
        return Trace(self._machine.name, digest(self._machine), initial, steps, violation)

    def steps(self, states: Sequence[State], taken: Sequence[int]) -> tuple[Step, ...]:
        """The steps through `states` by the transitions `taken`, as `trace` has them."""
        ends = zip_longest(taken, states, states[1:])
        return tuple(
            self._step(index, before, after or before)
            for index, before, after in ends
            if index is not None
        )

    def _step(self, index: int, before: State, after: State) -> Step:
        transition = self._machine.transitions[index]
        changes = tuple(
            (name, old, new)
            for name, old, new in zip(self._names, before, after, strict=True)
            if old != new
        )
        processor, irql = self.place(transition.context, before)
        processor = (
            self._landing(transition, before) or self._runner(transition, before) or processor
        )
        name, source = transition.name, transition.source
        rule = transition.rule
        return Step(index, name, transition.context, processor, irql, changes, source, rule)

    def _runner(self, transition: Transition, before: State) -> str:
        """The lowest processor that can run a floating context; empty for any other.

        The scheduling atom of such a step is a disjunction with a part for each processor.
        """
        if (
            len(transition.scheduling) != 1
            or self._located(transition.context, before)[0] != NOWHERE
        ):
            return ""
        match transition.scheduling[0]:
            case Or(parts) if len(parts) == len(self._processors):
                able = (bool(self._evaluator.value(part)(before)) for part in parts)
                return next((p for p, can in zip(self._processors, able, strict=True) if can), "")
            case _:
                return ""

    def _landing(self, transition: Transition, before: State) -> str:
        """The processor that the step takes for a context that occupied none; else empty.

        The updates are asked, not the state after: a step that breaks a check leads to none.
        """
        context = transition.context
        if self._located(context, before)[0] != NOWHERE:
            return ""
        after = list(before)
        for name, value in transition.updates:
            if name in self._placements[context]:
                after[self._evaluator.slots[name]] = self._evaluator.value(value)(before)
        landed = self._located(context, tuple(after))[0]
        return "" if landed == NOWHERE else landed

    def place(self, context: str, state: State) -> tuple[str, int]:
        """Where `context` is shown in `state` (empty for hardware), and its level.

        A floating context is shown on the lowest processor on which no other context is at
        DISPATCH_LEVEL or above.
        """
        processor, irql = self._located(context, state)
        if context in self._hardware:
            return "", irql
        if processor != NOWHERE or irql >= DISPATCH_LEVEL:
            return processor, irql
        located = (self._located(other, state) for other in self._places if other != context)
        busy = {place for place, level in located if level >= DISPATCH_LEVEL}
        return next((label for label in self._processors if label not in busy), ""), irql

    def _located(self, context: str, state: State) -> tuple[str, int]:
        processor, irql = self._places[context]
        return str(processor(state)), int(irql(state))


def processors(machine: Machine) -> tuple[str, ...]:
    """The labels of the processors of `machine`, in their order; empty if it has none."""
    for variable in machine.variables:
        domain = variable.domain
        if isinstance(domain, Enumeration) and domain.name == PROCESSOR:
            return tuple(label for label in domain.labels if label != NOWHERE)
    return ()
