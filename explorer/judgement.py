"""Findings: what is wrong in a state, in the steps out of it, or with where it can lead."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from dirql.model.machine import Choice, Machine, Progress

from .evaluate import Evaluator, State
from .races import DATA_RACE, TORN_UPDATE, RaceSearch
from .successors import Action, Successors
from .trace import Trace, Violation
from .verdict import Unknown, Verdict, Violated


@dataclass(frozen=True, slots=True)
class Finding:
    """A violation at a state, or in the step that `breaking` takes from it.

    Attributes:
        rank: compares findings of one kind at one distance: the place in the machine of what is
            violated.
        state: the number of the state.
        violation: what is wrong.
        breaking: the index of the transition that breaks a check, if that is what is wrong.
    """

    rank: tuple[int, int]
    state: int
    violation: Violation
    breaking: int | None = None


def smaller(old: Finding | None, new: Finding | None) -> Finding | None:
    """The one of smaller rank, the old one if equal: it belongs to the state found earlier."""
    if old is None or new is None:
        return old or new
    return new if new.rank < old.rank else old


class Judge:
    """Asks the states of a search, known by their numbers, what the machine wants of them."""

    def __init__(
        self,
        machine: Machine,
        evaluator: Evaluator,
        successors: Successors,
        states: Sequence[State],
    ) -> None:
        """Compile the conditions of `machine`; `states` is the list that the search extends."""
        self._states, self._successors, self._evaluator = states, successors, evaluator
        holds = (evaluator.all((item.condition,)) for item in machine.invariants)
        self._invariants = list(enumerate(zip(machine.invariants, holds, strict=True)))
        self._quiescent = [entry for entry in self._invariants if entry[1][0].quiescent]
        self._race_search = RaceSearch(machine, evaluator, successors.actions)
        self._unmet = set(machine.races)

    def invariant(self, level: range, *, quiescent: bool) -> Finding | None:
        """The first invariant that is false in `level`, and where; `quiescent` asks those too."""
        for rank, (item, holds) in self._invariants:
            for number in level if quiescent or not item.quiescent else ():
                if not holds(self._states[number]) and (
                    not item.quiescent or at_rest(self._successors.enabled(self._states[number]))
                ):
                    return self._false_invariant(rank, number)
        return None

    def quiescent(self, number: int) -> Finding | None:
        """The first quiescent invariant that is false in a state known to be quiescent."""
        for rank, (_, holds) in self._quiescent:
            if not holds(self._states[number]):
                return self._false_invariant(rank, number)
        return None

    def _false_invariant(self, rank: int, number: int) -> Finding:
        item = self._invariants[rank][1][0]
        violation = Violation(item.property, item.detail, item.bug_check, at_step=False)
        return Finding((rank, 0), number, violation)

    def check(self, action: Action, number: int) -> Finding | None:
        """The check that `action` breaks when taken from state `number`."""
        place = action.broken(self._states[number])
        if place < 0:
            return None
        item, context = action.transition.checks[place], (action.transition.context,)
        violation = Violation(
            item.property, item.detail, item.bug_check, at_step=True, contexts=context
        )
        return Finding((action.index, place), number, violation, action.index)

    def races(self, number: int, enabled: list[Action]) -> list[Finding]:
        """The races in state `number`, of each kind the first one of the whole search."""
        state, found = self._states[number], list[Violation | None]()
        if DATA_RACE in self._unmet:
            found.append(self._race_search.data_race(state, enabled))
        if TORN_UPDATE in self._unmet:
            found.append(self._race_search.torn_update(state, enabled))
        races = [Finding((0, 0), number, violation) for violation in found if violation]
        self._unmet.difference_update(race.violation.property for race in races)
        return races

    def stuck(
        self, progress: Progress, edges: Iterable[tuple[int, int, bool]], resting: Collection[int]
    ) -> Finding | None:
        """The nearest state that is live and from which `edges` do not lead to a goal state.

        An edge says from where, to where, and whether its step is spontaneous. `resting` are the
        states known to be quiescent.
        """
        goal, live = self._evaluator.all((progress.goal,)), self._evaluator.all((progress.live,))
        before: defaultdict[int, list[int]] = defaultdict(list)
        for source, target, spontaneous in edges:
            if not (spontaneous and progress.owed):
                before[target].append(source)
        rest = resting if progress.quiescent else ()
        pending = [
            number for number, state in enumerate(self._states) if number in rest or goal(state)
        ]
        hopeful = set(pending)
        while pending:
            sources = [item for item in before[pending.pop()] if item not in hopeful]
            hopeful.update(sources)
            pending.extend(sources)
        for number, state in enumerate(self._states):
            if number not in hopeful and live(state):
                return Finding((0, 0), number, hopeless(progress))
        return None


def hopeless(progress: Progress) -> Violation:
    """That no goal state of `progress` can be reached."""
    return Violation(
        progress.property,
        progress.detail,
        progress.bug_check,
        at_step=False,
        contexts=(progress.context,),
    )


def verdict_on(machine: Machine, trace: Trace) -> Verdict:
    """That `trace` violates what it says; unknown where one of its steps is `opaque`."""
    steps = [machine.transitions[step.transition] for step in trace.steps]
    if any(step.opaque for step in steps):
        choices = [item for step in steps for item in step.choices if item.unknown]
        return assuming(trace, choices, [step.opaque for step in steps if step.opaque])
    return Violated(trace.violation.property, trace)


def assuming(trace: Trace, choices: Iterable[Choice], names: Iterable[str] = ()) -> Unknown:
    """The verdict that `trace` is a violation only by what it assumes.

    That are the `choices`, or where those were not kept the values called `names`.
    """
    texts = {item.text: item.unknown for item in choices}
    values = ", ".join(dict.fromkeys(texts.values() or names))
    found = f": it happens with {' and '.join(texts)}" if texts else ""
    return Unknown(f"{trace.violation.property} depends on {values}{found}", trace)


def at_rest(enabled: Iterable[Action]) -> bool:
    """Whether a state with these transitions enabled is quiescent: none of them is owed."""
    return all(action.transition.spontaneous for action in enabled)
