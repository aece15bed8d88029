"""What can happen in a state: the enabled transitions, found without asking all of them.

Most guards say where their context stands (`at isr == 'isr:12'`), so the transitions of a context
are kept by the value of its program counter.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from dirql.model.domain import Value
from dirql.model.expr import Compare, Constant, Expression, Member, Read
from dirql.model.machine import MODEL_BOUND, Machine, Transition

from .evaluate import Evaluator, State


@dataclass(frozen=True, slots=True)
class Action:
    """A transition ready to be asked and taken.

    Attributes:
        index: its place in the machine.
        transition: the transition itself.
        stands: whether its guard holds, whatever the scheduling says.
        enabled: whether guard and scheduling hold, given where its context stands.
        broken: the number of a check it breaks, or -1; rules of Windows before limits of the model.
        after: the state it leads to.
    """

    index: int
    transition: Transition
    stands: Callable[[State], bool]
    enabled: Callable[[State], bool]
    broken: Callable[[State], int]
    after: Callable[[State], State]


_Table: TypeAlias = dict[Value, list[Action]]


class Successors:
    """The transitions of a machine, arranged to be found by program counter.

    Attributes:
        actions: all of them, in the order of the machine.
    """

    def __init__(self, machine: Machine, evaluator: Evaluator) -> None:
        """Compile the transitions of `machine`."""
        counters = {context.name: context.counter for context in machine.contexts}
        tables: dict[str, _Table] = {name: {} for name in counters.values() if name}
        self._elsewhere: list[Action] = []
        self.actions: list[Action] = []
        for index, transition in enumerate(machine.transitions):
            counter = counters[transition.context]
            place, rest = _placed(transition.guard, counter)
            action = _action(index, transition, rest, evaluator)
            self.actions.append(action)
            if place is None:
                self._elsewhere.append(action)
            else:
                for value in place:
                    tables[counter].setdefault(value, []).append(action)
        self._tables = [(evaluator.slots[name], table) for name, table in tables.items()]

    def enabled(self, state: State) -> list[Action]:
        """The transitions enabled in `state`, in the order of the machine."""
        found = [action for action in self._elsewhere if action.enabled(state)]
        for slot, table in self._tables:
            for action in table.get(state[slot], ()):
                if action.enabled(state):
                    found.append(action)  # noqa: PERF401 - measured: a comprehension is slower here
        found.sort(key=_index)
        return found


def _index(action: Action) -> int:
    return action.index


def _placed(
    guard: tuple[Expression, ...], counter: str
) -> tuple[tuple[Value, ...] | None, tuple[Expression, ...]]:
    """The values of `counter` for which `guard` can hold (`None`: any), and its other atoms."""
    for number, atom in enumerate(guard):
        rest = guard[:number] + guard[number + 1 :]
        match atom:
            case Compare("==", Read(name), Constant(value)) if name == counter:
                return (value,), rest
            case Member(Read(name), values) if name == counter:
                return values, rest
            case _:
                pass
    return None, guard


def _action(
    index: int, transition: Transition, rest: tuple[Expression, ...], evaluator: Evaluator
) -> Action:
    checks = sorted(enumerate(transition.checks), key=lambda item: item[1].property == MODEL_BOUND)
    return Action(
        index=index,
        transition=transition,
        stands=evaluator.all(transition.guard),
        enabled=evaluator.all((*rest, *transition.scheduling)),
        broken=evaluator.broken(checks),
        after=evaluator.after(transition),
    )
