"""Whether a violation comes about whatever the unknown values are: a game against them.

Whoever runs when, and what hardware and kernel do, may be chosen so that something is violated; the
values that nobody knows are drawn anew each time and may be such that nothing is. The violation is
certain if it comes about against every such draw. That is decided backwards: a state is *lost* if
something is wrong there, or if it has a step that leads to a lost state; of the alternatives of a
step that differ in an unknown value all must.

What was not explored within the limit counts as fine, so that nothing is called certain too early.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import product

from dirql.model.machine import MODEL_BOUND, Choice, Machine

from .engine import Limits
from .evaluate import Evaluator, State
from .judgement import Judge, at_rest
from .races import RaceSearch
from .reference import reachable
from .successors import Action, Successors
from .trace import Trace

MOST_STATES = 50_000
"""States that are looked at."""


class Alternatives:
    """The states of a machine from which something is violated, whatever is drawn."""

    def __init__(self, machine: Machine, limits: Limits, *, races: bool) -> None:
        """Explore `machine` as far as `limits` allow; `races` says whether they count."""
        machine = machine if races else replace(machine, races=())
        most = min(MOST_STATES, limits.states or MOST_STATES)
        self._machine = machine
        self._evaluator = Evaluator(machine)
        self._successors = Successors(machine, self._evaluator)
        asked = replace(machine, invariants=(), progress=(), races=())
        self._states = list(reachable(asked, replace(limits, states=most)))
        self._lost: set[State] = set()
        self._in_danger: set[State] = set()
        self._judge = Judge(machine, self._evaluator, self._successors, self._states)
        self._races = RaceSearch(machine, self._evaluator, self._successors.actions)
        self._decide()

    def lost(self) -> Iterator[State]:
        """The initial states from which something is violated, whatever is drawn."""
        first = product(*(variable.initial for variable in self._machine.variables))
        return (state for state in first if state in self._lost)

    def needed(self, trace: Trace) -> list[Choice]:
        """What `trace` assumes, as far as it makes a difference."""
        state = tuple(value for _, value in trace.initial)
        found: list[Choice] = []
        for step in trace.steps:
            action = self._successors.actions[step.transition]
            chosen = action.transition.choices
            found += (
                choice
                for depth, choice in enumerate(chosen)
                if choice.unknown and self._matters(action, depth, state)
            )
            if action.broken(state) < 0:
                state = action.after(state)
        return found

    def _matters(self, action: Action, depth: int, state: State) -> bool:
        """Whether another value for a choice of a step makes things better or worse."""
        chosen = action.transition.choices
        ways: defaultdict[Choice, set[int]] = defaultdict(set)
        for item in self._successors.enabled(state):
            choices = item.transition.choices
            alike = item.transition.context == action.transition.context
            if alike and len(choices) > depth and choices[:depth] == chosen[:depth]:
                ways[choices[depth]].add(self._how_bad(item, state))
        return any(bad != ways[chosen[depth]] for bad in ways.values())

    def _how_bad(self, action: Action, state: State) -> int:
        """2 where a violation is certain behind a step, 1 where one is possible, else 0."""
        if self._leads(action, state):
            return 2
        return int(action.broken(state) < 0 and action.after(state) in self._in_danger)

    def _decide(self) -> None:
        before: defaultdict[State, list[State]] = defaultdict(list)
        known = set(self._states)
        work: list[State] = []
        for number, state in enumerate(self._states):
            enabled = self._successors.enabled(state)
            for action in enabled:
                if action.broken(state) < 0 and (after := action.after(state)) in known:
                    before[after].append(state)
            if self._wrong(number, enabled):
                self._lost.add(state)
                work.append(state)
            elif any(self._breaks(action, state) for action in enabled):
                work.append(state)
        stuck = set(self._stuck())
        self._lost |= stuck
        work += stuck
        self._in_danger = _backwards(work, before)
        while work:
            state = work.pop()
            if state in self._lost or self._loses(state):
                self._lost.add(state)
                work += [item for item in before[state] if item not in self._lost]

    def _wrong(self, number: int, enabled: list[Action]) -> bool:
        """Whether the state itself is a violation."""
        state = self._states[number]
        return bool(
            self._judge.invariant(range(number, number + 1), quiescent=True)
            or self._races.data_race(state, enabled)
            or self._races.torn_update(state, enabled)
        )

    def _loses(self, state: State) -> bool:
        """Whether some step leads on to a violation, whatever it draws."""
        enabled = self._successors.enabled(state)
        plain = [action for action in enabled if not action.transition.choices]
        if any(self._leads(action, state) for action in plain):
            return True
        drawing: defaultdict[str, list[Action]] = defaultdict(list)
        for action in enabled:
            if action.transition.choices:
                drawing[action.transition.context].append(action)
        return any(self._forced(actions, state) for actions in drawing.values())

    def _leads(self, action: Action, state: State) -> bool:
        if action.broken(state) >= 0:
            return self._breaks(action, state)
        return action.after(state) in self._lost

    def _breaks(self, action: Action, state: State) -> bool:
        """Whether a step breaks a rule, rather than a limit of the model."""
        place = action.broken(state)
        return place >= 0 and action.transition.checks[place].property != MODEL_BOUND

    def _forced(self, actions: Sequence[Action], state: State, depth: int = 0) -> bool:
        """Whether one of `actions`, alike in their first choices, leads on whatever is drawn."""
        ways: defaultdict[Choice, list[Action]] = defaultdict(list)
        for action in actions:
            choices = action.transition.choices
            if depth == len(choices):
                if self._leads(action, state):
                    return True
            else:
                ways[choices[depth]].append(action)
        drawn: defaultdict[str, list[bool]] = defaultdict(list)
        for choice, rest in ways.items():
            leads = self._forced(rest, state, depth + 1)
            if leads and not choice.unknown:
                return True
            drawn[choice.unknown].append(leads)
        return any(all(found) for name, found in drawn.items() if name)

    def _stuck(self) -> Iterator[State]:
        """The live states from which no goal can be reached, whatever is drawn."""
        known = set(self._states)
        reliable: defaultdict[State, list[State]] = defaultdict(list)
        open_ended: list[State] = []
        resting: list[State] = []
        for state in self._states if self._machine.progress else ():
            enabled = self._successors.enabled(state)
            if at_rest(enabled):
                resting.append(state)
            for action in enabled:
                if action.transition.lucky:
                    continue
                if action.broken(state) >= 0:
                    if not self._breaks(action, state):
                        open_ended.append(state)
                    continue
                after = action.after(state)
                reliable[after].append(state)
                if after not in known:
                    open_ended.append(state)
        for item in self._machine.progress:
            goal = self._evaluator.all((item.goal,))
            live = self._evaluator.all((item.live,))
            goals = [state for state in self._states if goal(state)]
            rest = resting if item.quiescent else ()
            hopeful = _backwards([*goals, *open_ended, *rest], reliable)
            yield from (state for state in self._states if state not in hopeful and live(state))


def _backwards(states: Iterable[State], before: dict[State, list[State]]) -> set[State]:
    """All states from which one of `states` can be reached, by the steps in `before`."""
    found = set(states)
    work = list(found)
    while work:
        more = {state for state in before.get(work.pop(), ()) if state not in found}
        found |= more
        work += more
    return found
