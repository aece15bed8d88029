"""Behaviours of a growing length as formulas, and the search for what goes wrong at their ends.

Length by length: `broken_invariant` looks at the states reached, `broken_check` at the steps that
could come next, `extend` makes the behaviours one step longer.
"""

import time
from collections.abc import Sequence

from dirql.model.machine import Progress
from dirql.model.validation import MachineError

from ..evaluate import Evaluator
from ..judgement import hopeless
from ..recording import Recorder
from ..trace import Trace
from . import solver
from .encoding import Relation, State, is_state, state_in
from .solver import Answer, Solver, Term
from .suspects import Suspect, broken_checks, broken_invariants, races


class OutOfTimeError(Exception):
    """The time for the whole search is over."""


class Paths:
    """All behaviours of `depth` steps that break no check.

    Attributes:
        relation: the machine as formulas.
        depth: how many steps the behaviours have.
    """

    def __init__(self, relation: Relation, seconds: float | None = None) -> None:
        """Begin with the initial states; give up after `seconds` (`None`: never)."""
        self.relation = relation
        self.depth = 0
        self._started = time.monotonic()
        self._seconds = seconds
        self._solver = Solver()
        self._recorder = Recorder(relation.machine, Evaluator(relation.machine))
        self._step = solver.conjunction((relation.step, relation.after.domain))
        self._opaque = [
            index for index, item in enumerate(relation.machine.transitions) if item.opaque
        ]
        self._invariants = broken_invariants(relation)
        self._checks = broken_checks(relation)
        self._bounds = broken_checks(relation, bounds=True)
        self._races = races(relation)
        first, choice = relation.moment("0")
        self._moments, self._choices = [first], [choice]
        self._solver.add(self._moments[0].domain, self._moments[0].initial)

    @property
    def seconds_gone(self) -> float:
        """How long the search has taken so far."""
        return time.monotonic() - self._started

    @property
    def seconds_left(self) -> float:
        """How long the search may still take; 0 when there is no limit."""
        if self._seconds is None:
            return 0.0
        left = self._seconds - self.seconds_gone
        if left <= 0:
            raise OutOfTimeError
        return left

    def extend(self) -> None:
        """Make the behaviours one step longer.

        Raises:
            MachineError: some step leaves the domain of a variable, though no check is broken.
        """
        if self._possible(self._here(self.relation.overflow)):
            raise MachineError("DQ214", f"{self._overflowing()} leaves the domain of a variable")
        following, choice = self.relation.moment(str(self.depth + 1))
        last = self._choices[-1]
        self._solver.add(self.relation.between(self._step, self._moments[-1], following, last))
        self._moments.append(following)
        self._choices.append(choice)
        self.depth += 1

    def broken_invariant(self) -> Trace | None:
        """A behaviour whose last state breaks an invariant: the first that can be broken."""
        return self._first(self._invariants)

    def broken_check(self) -> Trace | None:
        """A behaviour one step longer whose last step breaks a rule: the first that can be."""
        return self._first(self._checks)

    def broken_bound(self) -> Trace | None:
        """A behaviour one step longer whose last step leaves what the model covers."""
        return self._first(self._bounds)

    def race(self) -> Trace | None:
        """A behaviour whose last state has a race."""
        return self._first(self._races)

    def reaching(self, state: State, progress: Progress) -> Trace:
        """A behaviour that ends in `state`, reachable in `depth` steps, where `progress` fails."""
        suspect = Suspect(is_state(self.relation.before, state), hopeless(progress))
        found = self._first([suspect])
        if found is None:
            raise ValueError(f"no behaviour of {self.depth} steps ends in {state}")
        return found

    def _here(self, term: Term) -> Term:
        """`term`, over the moment `before`, said of the last moment."""
        return self.relation.at(term, self._moments[-1])

    def _possible(self, *conditions: Term) -> bool:
        """Whether some behaviour satisfies `conditions`; if so, the solver holds one."""
        self._solver.limit(self.seconds_left)
        self._solver.push()
        self._solver.add(*conditions)
        answer = self._solver.ask()
        self._solver.pop()
        if answer is Answer.UNKNOWN:
            raise OutOfTimeError
        return answer is Answer.SATISFIABLE

    def _first(self, suspects: Sequence[Suspect]) -> Trace | None:
        """The first of `suspects` at the end of a behaviour, without opaque steps if possible."""
        if self._opaque:
            known = [item for item in suspects if item.step not in self._opaque]
            found = self._least(known, self._transparent())
            if found is not None:
                return found
        return self._least(suspects, solver.TRUE)

    def _transparent(self) -> Term:
        """That no step so far depends on an unknown value."""
        size = solver.width(self.relation.choice)
        return solver.conjunction(
            solver.negation(solver.equal(choice, solver.number(index, size)))
            for choice in self._choices[:-1]
            for index in self._opaque
        )

    def _least(self, suspects: Sequence[Suspect], condition: Term) -> Trace | None:
        best: Trace | None = None
        while suspects:
            wrong = [self._here(item.condition) for item in suspects]
            if not self._possible(condition, solver.disjunction(wrong)):
                return best
            index = next(i for i, term in enumerate(wrong) if self._solver.boolean(term))
            best = self._trace(suspects[index])
            suspects = suspects[:index]
        return best

    def _overflowing(self) -> str:
        pairs = zip(self.relation.machine.transitions, self.relation.actions, strict=True)
        return next(
            f"the step {item.name!r} of {item.context}"
            for item, taken in pairs
            if self._solver.boolean(self._here(taken.overflows))
        )

    def _trace(self, suspect: Suspect) -> Trace:
        """The behaviour the solver holds, ended by `suspect`."""
        states = [state_in(self._solver, moment) for moment in self._moments]
        taken = [self._solver.integer(choice) for choice in self._choices[:-1]]
        if suspect.step is not None:
            taken.append(suspect.step)
        return self._recorder.trace(states, taken, suspect.violation)
