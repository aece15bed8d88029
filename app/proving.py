"""`dirql prove`: induction instead of exploration, for all values of parameters at once."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from dirql.explorer.symbolic.induction import prove
from dirql.explorer.symbolic.proof import Counterexample, Goal, Proof
from dirql.model.domain import Value
from dirql.model.machine import Machine
from dirql.properties import PROPERTIES, apply, deadlock_goals, kernel_invariants

from .answers import Subject
from .trace_words import is_bookkeeping, readable, value_text

USUAL_GOALS = (
    "irql-too-high",
    "irql-too-low",
    "lock-cycle",
    "preemption-deadlock",
    "recursive-lock-acquire",
    "wait-at-dispatch-level",
)
"""No context waits in a circle, and no lock is taken where its contract forbids it."""

MOST_VALUES = 12
"""Variables shown of a state from which a proof fails."""


def prove_subject(subject: Subject, names: Sequence[str]) -> Proof:
    """Prove the properties called `names` of what `subject` describes."""
    machine = apply(subject.system, None)
    goals = [item for item in deadlock_goals(subject.system) if item not in machine.invariants]
    extended = replace(machine, invariants=(*machine.invariants, *goals))
    return prove(extended, kernel_invariants(subject.system), properties=names)


def all_names() -> tuple[str, ...]:
    """The names of everything that induction can speak of."""
    return tuple(item.name for item in PROPERTIES)


def proof_text(proof: Proof, machine: Machine, names: Sequence[str]) -> str:
    """What was proved, property by property, and where a proof failed from which state."""
    return "\n".join(_proof_text(proof, machine, names))


def _proof_text(proof: Proof, machine: Machine, names: Sequence[str]) -> Iterator[str]:
    width = max(len(name) for name in names)
    for name in names:
        goals = [goal for goal in proof.goals if goal.property == name]
        open_goals = [goal for goal in goals if not goal.proved]
        if not goals:
            yield f"  {name:<{width}}  proved: no step or state of this driver can break it"
        elif not open_goals:
            yield f"  {name:<{width}}  proved ({_places(goals)})"
        else:
            yield f"  {name:<{width}}  not proved ({len(open_goals)} of {_places(goals)})"
            yield from (f"    {line}" for line in _why(open_goals[0], machine))
    domains = [goal for goal in proof.goals if not goal.property and not goal.proved]
    if domains:
        yield f"  {len(domains)} steps may store a value outside its domain: {domains[0].detail}"
    yield (
        f"  {len(proof.invariants)} kernel invariants inductive, {len(proof.dropped)} dropped; "
        f"{proof.questions} questions to the solver, {proof.seconds:.1f} s"
    )


def _places(goals: Sequence[Goal]) -> str:
    return f"{len(goals)} {'place' if len(goals) == 1 else 'places'}"


def _why(goal: Goal, machine: Machine) -> Iterator[str]:
    """The first failure: not a bug, a state that the invariants do not exclude."""
    yield goal.detail
    found = goal.counterexample
    if found is None:
        yield "the solver gave up: its time ran out"
        return
    yield f"{found.reason}; the state need not be reachable"
    if found.transition is not None:
        step = machine.transitions[found.transition]
        yield f"step: {step.context}: {step.name}"
    yield f"state: {', '.join(_state(found))}"


def _state(found: Counterexample) -> Iterator[str]:
    """The values that matter most to a reader: where contexts are, and what is not at rest."""
    shown = [(name, value) for name, value in found.states[-1] if _tells(name, value)]
    for name, value in shown[:MOST_VALUES]:
        yield f"{readable(name)} = {value_text(value)}"
    if len(shown) > MOST_VALUES:
        yield f"and {len(shown) - MOST_VALUES} more"


def _tells(name: str, value: Value) -> bool:
    return is_bookkeeping(name) or value not in (False, 0, "none", "NULL")
