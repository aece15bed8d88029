"""Listing the reachable states with the solver, level by level: for small machines only.

Each state costs a question, so this is for a few hundred of them: to know that a bounded search has
seen everything, to judge progress conditions, and to compare the formulas with the other readers.
"""

from collections.abc import Collection, Sequence

from dirql.model.machine import Machine, Progress

from . import solver
from .encoding import Moment, Relation, State, is_state, state_in
from .solver import Answer, Solver, Term


def among(moment: Moment, states: Collection[State]) -> Term:
    """That the state at `moment` is one of `states`."""
    return solver.disjunction(is_state(moment, state) for state in states)


class Levels:
    """The reachable states by distance from the initial ones.

    Attributes:
        found: the levels listed so far; level 0 is the initial states.
        complete: whether the last level has no further successors.
        abandoned: whether there are more states, or more seconds, than allowed.
    """

    def __init__(self, relation: Relation, most: int | None = None) -> None:
        """List up to `most` states of the machine of `relation` (`None`: all)."""
        self.found: list[list[State]] = []
        self.complete = False
        self.abandoned = False
        self._relation = relation
        self._left = most
        self._solver = Solver()
        self._solver.add(relation.after.domain)
        self._step = solver.bit("a step was taken")
        self._solver.add(solver.implication(self._step, relation.step))

    @property
    def states(self) -> list[State]:
        """All states listed so far, in order of distance."""
        return [state for level in self.found for state in level]

    def distance(self, state: State) -> int:
        """How many steps `state`, one of those listed, is from the nearest initial state."""
        return next(depth for depth, level in enumerate(self.found) if state in level)

    def advance(self, seconds: float = 0.0) -> None:
        """List the next level, spending at most `seconds` on each of its states (0: no limit)."""
        self._solver.limit(seconds)
        self._solver.push()
        if self.found:
            self._solver.add(self._step, among(self._relation.before, self.found[-1]))
        else:
            self._solver.add(self._relation.after.initial)
        level = self._drain()
        self._solver.pop()
        self._solver.add(*(solver.negation(is_state(self._relation.after, s)) for s in level))
        if level:
            self.found.append(level)
        self.complete = not level and not self.abandoned

    def _drain(self) -> list[State]:
        level: list[State] = []
        while (answer := self._solver.ask()) is Answer.SATISFIABLE:
            if self._left is not None:
                self._left -= 1
            if self._left is not None and self._left < 0:
                self.abandoned = True
                return level
            state = state_in(self._solver, self._relation.after)
            level.append(state)
            self._solver.add(solver.negation(is_state(self._relation.after, state)))
        self.abandoned = answer is Answer.UNKNOWN
        return level


def reachable_set(machine: Machine) -> frozenset[State]:
    """All reachable states of a small machine, each a tuple in the order of its variables."""
    levels = Levels(Relation(machine))
    while not levels.complete:
        levels.advance()
    return frozenset(levels.states)


def enabled_steps(relation: Relation, states: Sequence[State]) -> tuple[int, frozenset[int]]:
    """How many transitions are enabled in `states`, summed, and the indices of those."""
    total, taken = 0, set[int]()
    answer = Solver()
    answer.add(relation.before.domain)
    for state in states:
        answer.push()
        answer.add(is_state(relation.before, state))
        answer.ask()
        here = {i for i, item in enumerate(relation.actions) if answer.boolean(item.enabled)}
        answer.pop()
        total, taken = total + len(here), taken | here
    return total, frozenset(taken)


def stuck(relation: Relation, states: Sequence[State], progress: Progress) -> list[State]:
    """The `states`, all that are reachable, where `progress` fails, in the order given."""
    answer = Solver()
    goal = relation.before.truth(progress.goal)
    if progress.quiescent:
        goal = solver.disjunction((goal, relation.quiescent))
    live = relation.before.truth(progress.live)
    answer.add(relation.before.domain, relation.after.domain)
    doomed, reaching = list(states), goal
    while doomed:
        answer.push()
        answer.add(among(relation.before, doomed), reaching)
        escaped = set[State]()
        while answer.ask() is Answer.SATISFIABLE:
            state = state_in(answer, relation.before)
            escaped.add(state)
            answer.add(solver.negation(is_state(relation.before, state)))
        answer.pop()
        if not escaped:
            break
        doomed = [state for state in doomed if state not in escaped]
        there = among(relation.after, escaped)
        reliable = relation.reliable(owed=progress.owed)
        reaching = solver.conjunction((relation.step, reliable, there))
    return [state for state in doomed if _holds(relation.before, live, state)]


def _holds(moment: Moment, claim: Term, state: State) -> bool:
    answer = Solver()
    answer.add(is_state(moment, state), claim)
    return answer.ask() is Answer.SATISFIABLE
