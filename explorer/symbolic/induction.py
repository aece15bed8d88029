"""Proof by induction: invariants that every step preserves, and what follows from them.

A claim is *inductive* when it holds in every initial state and no step that breaks no check (but
those that a free build survives) leads from a state with all claims to one without it. Nothing is
explored, so a proof covers all values of all parameters and spaces of any size; the price is that a
true claim may fail for want of another. Then the answer is a *counterexample to induction*: a step
from a state that need not be reachable.

Each transition is asked alone, and only about claims that read what it writes: some hundred small
questions instead of one large one, and a failure names the step. Claims that fail are dropped and
the rest is asked again until nothing fails (Houdini: Flanagan and Leino, 2001), so what remains is
proved whatever was put in. Solver cores tell which transitions a dropped claim mattered for.

`steps` above 1 asks for k-induction: the claims are assumed in that many consecutive states, and
must hold in the first that many of every behaviour.
"""

import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace

from dirql.model.algebra import variables_of
from dirql.model.expr import Expression
from dirql.model.machine import Invariant, Machine, Progress
from dirql.properties import going_on

from . import solver
from .companions import companions, needless
from .encoding import Moment, Relation, State, broken, state_in, updated
from .proof import Counterexample, Dropped, Goal, Kind, NamedState, Proof
from .solver import Answer, Solver, Term
from .suspects import races
from .terms import value_in

PATIENCE = 10.0
"""The usual limit on one question, in seconds."""


def prove(
    machine: Machine,
    invariants: Sequence[Invariant] = (),
    *,
    assumptions: Sequence[Expression] = (),
    properties: Collection[str] | None = None,
    steps: int = 1,
    seconds: float = PATIENCE,
) -> Proof:
    """Prove what `machine` asks for, with the help of `invariants`.

    The goals are the invariants, checks and races of the machine, and that updates stay within
    domains. What it asks of progress is no matter of induction, and comes back not proved; but for
    companions of quiescent invariants (`companions.py`) that are never live before their goal.
    Those `invariants` that are not inductive are dropped and reported; the goals then rest only on
    what remains. Plain invariants of the machine take part in the induction themselves.

    Parameters:
        machine: what to prove it of.
        invariants: claims that may help; plain ones, not quiescent.
        assumptions: taken for granted in every state; meant for parameters.
        properties: the goals wanted, by property (`None`: all).
        steps: the k of k-induction, at least 1.
        seconds: the limit on one question; 0 for none.

    Raises:
        MachineError: an invariant or assumption makes no sense for the machine.
        ValueError: a quiescent invariant is offered as help, or `steps` is below 1.
    """
    if steps < 1:
        raise ValueError(f"induction needs at least one step, not {steps}")
    for claim in invariants:
        if claim.quiescent:
            raise ValueError(f"a quiescent invariant cannot help: {claim.property} {claim.detail}")
    taken = tuple(Invariant("assumption", item) for item in assumptions)
    replace(machine, invariants=(*machine.invariants, *invariants, *taken))  # validates them
    started = time.monotonic()
    wanted = [item for item in machine.invariants if _wanted(item.property, properties)]
    plain = [item for item in wanted if not item.quiescent]
    hopes = companions(machine, properties)
    claims = (*invariants, *plain, *map(needless, hopes))
    induction = _Induction(machine, claims, assumptions, steps, seconds)
    induction.run()
    goals = (
        *induction.claim_goals(len(invariants), len(plain)),
        *induction.state_goals([item for item in wanted if item.quiescent], properties),
        *induction.companion_goals(hopes),
    )
    return Proof(
        machine=machine.name,
        steps=steps,
        assumptions=tuple(assumptions),
        invariants=tuple(item for i, item in enumerate(invariants) if i not in induction.dropped),
        dropped=tuple(item for i, item in induction.dropped.items() if i < len(invariants)),
        goals=goals,
        questions=induction.questions,
        seconds=time.monotonic() - started,
    )


def _wanted(name: str, properties: Collection[str] | None) -> bool:
    return properties is None or name in properties


class _Induction:
    """The claims that are left, and the solvers that are asked about them.

    Attributes:
        dropped: the claims that failed, by index, in the order they did.
        questions: how often a solver was asked.
    """

    def __init__(
        self,
        machine: Machine,
        claims: Sequence[Invariant],
        assumptions: Sequence[Expression],
        steps: int,
        seconds: float,
    ) -> None:
        self.dropped: dict[int, Dropped] = {}
        self.questions = 0
        self._machine = machine
        self._claims = claims
        self._steps = steps
        self._seconds = seconds
        self._relation = Relation(going_on(machine))
        before = self._relation.before
        self._conditions = [before.truth(item.condition) for item in claims]
        self._taken = before.all(assumptions)
        self._assumed = solver.conjunction((before.domain, self._taken))
        self._alone = Solver(seconds)
        self._alone.add(self._assumed)
        self._switches = [solver.bit(f"claim {index}") for index in range(len(claims))]
        self._positions = {f"claim {index}": index for index in range(len(claims))}
        self._reads = [variables_of(item.condition) for item in claims]
        self._earlier: list[Moment] = []
        self._broken: dict[int, dict[int, Term]] = {}

    def run(self) -> None:
        """Drop claims until the rest is inductive."""
        self._base()
        step = self._step_solver()
        pending: Collection[int] = range(len(self._machine.transitions))
        cores: dict[int, frozenset[int]] = {}
        number = 0
        while pending:
            number += 1
            failed: dict[int, Counterexample | None] = {}
            for transition in pending:
                failures, cores[transition] = self._failures(step, transition)
                failed = failures | failed
            for index, counterexample in failed.items():
                self.dropped[index] = Dropped(self._claims[index], number, counterexample)
            pending = [index for index, core in cores.items() if core & failed.keys()]

    def claim_goals(self, first: int, count: int) -> Iterator[Goal]:
        """The `count` claims from index `first` on, as goals."""
        for index in range(first, first + count):
            claim, lost = self._claims[index], self.dropped.get(index)
            yield Goal(
                Kind.INVARIANT,
                claim.property,
                claim.detail,
                None,
                proved=lost is None,
                counterexample=lost.counterexample if lost else None,
                everywhere=self._everywhere(solver.negation(self._conditions[index])),
            )

    def state_goals(
        self, quiescent: Sequence[Invariant], properties: Collection[str] | None
    ) -> Iterator[Goal]:
        """What must follow, in any one state, from the claims that are left."""
        answer = Solver(self._seconds)
        answer.add(self._assumed, *(self._conditions[index] for index in self._left))
        relation = self._relation
        for item in quiescent:
            wrong = solver.conjunction(
                (relation.quiescent, solver.negation(relation.before.truth(item.condition)))
            )
            reason = "nothing but hardware can happen here, and it does not hold"
            yield self._judged(
                answer,
                Goal(Kind.QUIESCENT, item.property, item.detail, None, proved=True),
                wrong,
                reason,
            )
        for index, transition in enumerate(self._machine.transitions):
            for check in transition.checks:
                if _wanted(check.property, properties):
                    wrong = broken(relation.before, transition, check)
                    goal = Goal(Kind.CHECK, check.property, check.detail, index, proved=True)
                    yield self._judged(answer, goal, wrong, f"{transition.name} breaks the rule")
            overflows = relation.actions[index].overflows
            if solver.truth(overflows) is not False:
                goal = Goal(Kind.DOMAIN, "", transition.name, index, proved=True)
                yield self._judged(answer, goal, overflows, f"{transition.name} leaves a domain")
        for race in races(relation):
            name, detail = race.violation.property, race.violation.detail
            if _wanted(name, properties):
                goal = Goal(Kind.RACE, name, detail, None, proved=True)
                yield self._judged(answer, goal, race.condition, "the race is possible here")
        for hope in self._machine.progress:
            if _wanted(hope.property, properties) and not hope.quiescent:
                yield Goal(Kind.PROGRESS, hope.property, hope.detail, None, proved=False)

    def companion_goals(self, hopes: Sequence[Progress]) -> Iterator[Goal]:
        """`hopes`, whose claims are the last ones, as goals."""
        for index, hope in enumerate(hopes, len(self._claims) - len(hopes)):
            proved = index not in self.dropped
            everywhere = self._everywhere(solver.negation(self._conditions[index]))
            yield Goal(
                Kind.PROGRESS, hope.property, hope.detail, None, proved, everywhere=everywhere
            )

    @property
    def _left(self) -> list[int]:
        return [index for index in range(len(self._claims)) if index not in self.dropped]

    def _ask(self, answer: Solver, *assumptions: Term) -> Answer:
        self.questions += 1
        return answer.ask(*assumptions)

    def _judged(self, answer: Solver, goal: Goal, wrong: Term, reason: str) -> Goal:
        answer.push()
        answer.add(wrong)
        found = self._ask(answer)
        answer.pop()
        if found is Answer.UNSATISFIABLE:
            return replace(goal, everywhere=self._everywhere(wrong))
        counterexample = None
        if found is Answer.SATISFIABLE:
            state = state_in(answer, self._relation.before)
            counterexample = Counterexample((self._named(state),), goal.transition, reason)
        return replace(goal, proved=False, counterexample=counterexample)

    def _everywhere(self, wrong: Term) -> bool:
        """Whether nothing in the domains, invariants or not, is `wrong`."""
        self._alone.push()
        self._alone.add(wrong)
        found = self._ask(self._alone)
        self._alone.pop()
        return found is Answer.UNSATISFIABLE

    def _named(self, state: State) -> NamedState:
        return tuple(zip((item.name for item in self._machine.variables), state, strict=True))

    def _base(self) -> None:
        """Drop what is false in one of the first states of some behaviour."""
        answer = Solver(self._seconds)
        moment, choice = self._relation.moment("0")
        path = [moment]
        answer.add(moment.initial)
        while True:
            answer.add(self._relation.at(self._assumed, moment))
            wrong = {
                index: solver.negation(self._relation.at(self._conditions[index], moment))
                for index in self._left
            }
            for index, found in self._refuted(answer, wrong, ()):
                states = tuple(self._named(state_in(answer, item)) for item in path)
                reason = f"false after {len(path) - 1} steps from an initial state"
                counterexample = Counterexample(states, None, reason) if found else None
                self.dropped[index] = Dropped(self._claims[index], 0, counterexample)
            if len(path) == self._steps:
                return
            following, next_choice = self._relation.moment(str(len(path)))
            answer.add(self._relation.between(self._relation.step, moment, following, choice))
            moment, choice = following, next_choice
            path.append(moment)

    def _step_solver(self) -> Solver:
        """All claims assumed, under their switches, in as many consecutive states as asked."""
        answer = Solver(self._seconds)
        relation, later = self._relation, self._relation.before
        for number in range(self._steps):
            if number:
                moment, choice = relation.moment(f"-{number}")
                answer.add(relation.between(relation.step, moment, later, choice))
                self._earlier.insert(0, moment)
                later = moment
            answer.add(relation.at(self._assumed, later))
            for switch, condition in zip(self._switches, self._conditions, strict=True):
                answer.add(solver.implication(switch, relation.at(condition, later)))
        return answer

    def _refuted(
        self, answer: Solver, wrong: Mapping[int, Term], assumptions: Sequence[Term]
    ) -> Iterator[tuple[int, bool]]:
        """Each key of `wrong` whose formula is possible, while the solver holds the example.

        The second part is false where the solver did not come to an answer.
        """
        open_ = dict(wrong)
        while open_:
            answer.push()
            answer.add(solver.disjunction(open_.values()))
            found = self._ask(answer, *assumptions)
            answer.pop()
            if found is Answer.UNSATISFIABLE:
                return
            if found is Answer.UNKNOWN:
                yield from ((index, False) for index in open_)
                return
            refuted = [index for index, term in open_.items() if answer.boolean(term)]
            for index in refuted:
                yield index, True
                del open_[index]

    def _failures(
        self, step: Solver, transition: int
    ) -> tuple[dict[int, Counterexample | None], frozenset[int]]:
        """The claims that `transition` does not preserve, and those that keep it from more."""
        wrong = {
            index: term
            for index, term in self._violations(transition).items()
            if index not in self.dropped
        }
        if not wrong:
            return {}, frozenset()
        taken = self._relation.actions[transition]
        failed: dict[int, Counterexample | None] = {}
        step.push()
        step.add(taken.leads_on, updated(self._relation.before, taken, self._taken))
        for index, found in self._refuted(step, wrong, [self._switches[i] for i in self._left]):
            failed[index] = self._counterexample(step, transition) if found else None
        step.pop()
        safe = wrong.keys() - failed.keys()
        return failed, frozenset(self._positions[name] for name in step.core if safe)

    def _violations(self, transition: int) -> Mapping[int, Term]:
        """For each claim that reads what `transition` writes: that it is false afterwards."""
        found = self._broken.get(transition)
        if found is None:
            before, taken = self._relation.before, self._relation.actions[transition]
            written = {name for name, _ in taken.updates}
            found = {
                index: solver.simplify(solver.negation(updated(before, taken, condition)))
                for index, condition in enumerate(self._conditions)
                if not written.isdisjoint(self._reads[index])
            }
            found = {
                index: term for index, term in found.items() if solver.truth(term) is not False
            }
            self._broken[transition] = found
        return found

    def _counterexample(self, answer: Solver, transition: int) -> Counterexample:
        taken = dict(self._relation.actions[transition].updates)
        before = self._relation.before
        after = tuple(
            value_in(answer, replace(value, term=taken.get(name, value.term)))
            for name, value in before.values.items()
        )
        states = (*(state_in(answer, moment) for moment in (*self._earlier, before)), after)
        name = self._machine.transitions[transition].name
        reason = f"all claims hold before {name}, and this one does not hold after it"
        return Counterexample(tuple(self._named(state) for state in states), transition, reason)
