"""Lemmas for a proof, guessed from the reachable states and wanted by the induction.

What is to be proved is true in all reachable states and rarely inductive. The induction then
stumbles over a state that satisfies every claim and from which a step leads to one that does not.
If that state is reachable, there is no proof. If it is not, some claim is missing that excludes it:
`observed.py` finds a short one that all reachable states satisfy. With it the induction is asked
again, and the lemma has to be preserved as well, which may call for others (learning from
counterexamples to induction: Bradley, "SAT-based model checking without unrolling", 2011; here
reachability is known, so a lemma never has to be taken back).

A proof does not rest on any of this. What comes out are candidates: `induction.prove` asks of all
of them together whether they hold at the start and are preserved by every step.
"""

import time
from collections.abc import Collection, Sequence

from dirql.model.algebra import variables_of
from dirql.model.machine import Invariant, Machine
from dirql.properties import going_on

from . import solver
from .companions import companions, needless
from .encoding import Relation, State, broken, state_in, updated
from .observed import Observed, observed
from .solver import Answer, Solver, Term
from .suspects import races

MOST_STATES = 100_000
"""Machines with more states are proved without lemmas, or not."""

PATIENCE = 60.0
"""The usual time for looking for lemmas, in seconds."""


def lemmas(
    machine: Machine,
    invariants: Sequence[Invariant],
    properties: Collection[str],
    *,
    seconds: float = PATIENCE,
    most: int = MOST_STATES,
) -> tuple[Invariant, ...]:
    """Claims that, with `invariants`, may prove what `machine` asks for.

    Parameters:
        machine: its invariants, checks and domains are what is to be proved.
        invariants: claims that are assumed to be tried as well.
        properties: the goals wanted, by property.
        seconds: when to stop, with the lemmas found by then.
        most: how many states to look at; a machine with more gets no lemmas.
    """
    seen = observed(going_on(machine), most)
    if seen is None:
        return ()
    search = _Search(machine, invariants, properties, seen, time.monotonic() + seconds)
    search.run()
    return tuple(search.found)


class _Search:
    """The claims so far, assumed by one solver.

    Attributes:
        found: the lemmas, in the order in which they were needed.
    """

    def __init__(
        self,
        machine: Machine,
        invariants: Sequence[Invariant],
        properties: Collection[str],
        seen: Observed,
        end: float,
    ) -> None:
        self.found: list[Invariant] = []
        self._machine, self._relation = machine, Relation(going_on(machine))
        self._seen = seen
        self._end = end
        self._solver = Solver()
        self._solver.add(self._relation.before.domain)
        self._claims: list[tuple[Term, frozenset[str]]] = []
        wanted = [item for item in machine.invariants if item.property in properties]
        for item in (*invariants, *wanted, *map(needless, companions(machine, properties))):
            if not item.quiescent and seen.agree(item):
                self._claim(item)
        self._wrong: list[Term] = self._forbidden(wanted, properties)
        self._asked = [0] * len(machine.transitions)

    def run(self) -> None:
        """Find lemmas until no step leads out of the claims, or the time is over."""
        while self._goals() and self._steps():
            pass

    def _claim(self, item: Invariant) -> None:
        term = self._relation.before.truth(item.condition)
        self._claims.append((term, frozenset(variables_of(item.condition))))
        self._solver.add(term)

    def _forbidden(self, wanted: Sequence[Invariant], properties: Collection[str]) -> list[Term]:
        """What no state may be like: at rest and wrong, about to break a rule, race or overflow."""
        relation = self._relation
        resting = [
            solver.conjunction(
                (relation.quiescent, solver.negation(relation.before.truth(item.condition)))
            )
            for item in wanted
            if item.quiescent
        ]
        breaking = [
            broken(relation.before, transition, check)
            for transition in self._machine.transitions
            for check in transition.checks
            if check.property in properties
        ]
        racing = [
            item.condition for item in races(relation) if item.violation.property in properties
        ]
        return [*resting, *breaking, *racing, *(item.overflows for item in relation.actions)]

    def _goals(self) -> bool:
        """Exclude the states that are forbidden; false when the time is over."""
        while self._wrong:
            state = self._possible(solver.disjunction(self._wrong))
            if state is None:
                break
            if state in self._seen:  # a violation, which no lemma can exclude
                self._wrong = [term for term in self._wrong if not self._solver.boolean(term)]
            else:
                self._exclude(state)
        return time.monotonic() < self._end

    def _steps(self) -> bool:
        """Exclude the states from which a step leads out; true if there were any."""
        before = len(self.found)
        for index, taken in enumerate(self._relation.actions):
            written = {name for name, _ in taken.updates}
            while self._asked[index] < len(self._claims):
                claims = self._claims[self._asked[index] :]
                self._asked[index] = len(self._claims)
                touched = [term for term, reads in claims if not written.isdisjoint(reads)]
                after = updated(self._relation.before, taken, solver.conjunction(touched))
                leaving = taken.leads_on, solver.negation(after)
                while touched and (state := self._possible(*leaving)) is not None:
                    self._exclude(state)
        return len(self.found) > before

    def _possible(self, *conditions: Term) -> State | None:
        """A state that satisfies the claims and `conditions`; none once the time is over."""
        left = self._end - time.monotonic()
        if left <= 0:
            return None
        self._solver.limit(left)
        self._solver.push()
        self._solver.add(*conditions)
        found = self._solver.ask() is Answer.SATISFIABLE
        self._solver.pop()
        return state_in(self._solver, self._relation.before) if found else None

    def _exclude(self, state: State) -> None:
        lemma = self._seen.never(state)
        self.found.append(lemma)
        self._claim(lemma)
