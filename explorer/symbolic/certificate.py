"""A proof as SMT-LIB text, for another solver to confirm."""

from collections.abc import Iterator, Sequence

from dirql.model.algebra import variables_of
from dirql.model.expr import Expression
from dirql.model.machine import Invariant, Machine
from dirql.properties import going_on

from . import solver
from .encoding import Relation, updated
from .solver import Term


def to_smt2(
    machine: Machine,
    invariants: Sequence[Invariant],
    goals: Sequence[Invariant] = (),
    *,
    assumptions: Sequence[Expression] = (),
) -> str:
    """The questions behind a plain inductive proof; a solver must answer `unsat` to each.

    The invariants hold at the start, every step preserves them, and no step leaves the domain of a
    variable. Without the last, a step that always leaves one would preserve anything.

    Parameters:
        machine: what it is a proof of.
        invariants: inductive together: those of a `Proof` with `steps` 1, and its proved plain
            goals.
        goals: what follows from them in any one state.
        assumptions: as given to `prove`.
    """
    relation = Relation(going_on(machine))
    before = relation.before
    taken = before.all(assumptions)
    claims = before.all(item.condition for item in invariants)
    start = solver.conjunction((before.domain, taken, before.initial, solver.negation(claims)))
    shared = solver.conjunction((before.domain, taken, claims))
    steps = _steps(relation, invariants, taken)
    ends = [
        (f"implies: {item.property} {item.detail}", solver.negation(before.truth(item.condition)))
        for item in goals
    ]
    return solver.script([("holds initially", start)], shared, [*steps, *ends])


def _steps(
    relation: Relation, invariants: Sequence[Invariant], taken: Term
) -> Iterator[tuple[str, Term]]:
    for index, transition in enumerate(relation.machine.transitions):
        action = relation.actions[index]
        name = f"{index}: {transition.context}: {transition.name}"
        if action.fits is not None:
            yield f"stays in all domains: {name}", action.overflows
        written = {name for name, _ in transition.updates}
        touched = [
            relation.before.truth(item.condition)
            for item in invariants
            if not written.isdisjoint(variables_of(item.condition))
        ]
        if touched:
            after = updated(relation.before, action, solver.conjunction(touched))
            wrong = solver.conjunction(
                (action.leads_on, updated(relation.before, action, taken), solver.negation(after))
            )
            yield f"preserved by {name}", wrong
