"""Proofs about real drivers: no wait-for cycle, no routine called where its contract forbids it."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from dirql.app.answers import prepare
from dirql.app.proving import USUAL_GOALS, prove_subject
from dirql.app.questions import Failure, Options, Question, plan
from dirql.explorer.reference import ReferenceEngine
from dirql.explorer.symbolic.certificate import to_smt2
from dirql.explorer.symbolic.observed import LEMMA
from dirql.explorer.symbolic.proof import Proof
from dirql.explorer.verdict import Violated
from dirql.model.algebra import conjunction, disjunction, negation
from dirql.model.machine import Invariant
from dirql.properties import deadlock_goals

from .certificates import answers

PATTERNS = Path(__file__).parent.parent.parent / "patterns"

NESTED = (
    "locks_released_in_taking_order_fixed",
    "pcidrv_reset_fixed",
    "two_ports_two_orders_fixed",
)
"""Patterns in which one spin lock is taken while another is held."""

DEAD_OBJECT = "synchronize-on-dead-interrupt"
FORBIDDEN = (
    ("reset_above_synchronize_irql", 1, "irql-too-high"),
    ("interrupt_lock_in_dump_mode", 1, "irql-too-high"),
    ("polling_routine_in_isr", 2, "recursive-lock-acquire"),
    ("isr_lock_before_disconnect", 2, "preemption-deadlock"),
    ("lock_irql_lowered_early", 2, "preemption-deadlock"),
    ("timer_stopped_after_disconnect", 1, DEAD_OBJECT),
    ("netkvm_sync_unregistered", 2, DEAD_OBJECT),
    ("pcidrv_stop", 2, DEAD_OBJECT),
)
"""Patterns that could take a lock where it is forbidden: what no program point rules out."""

FIXED = plan(sorted(PATTERNS.glob("*_fixed.py")), Options())


def _id(question: Question | Failure) -> str:
    """A short name for one case."""
    name = Path(question.pattern).stem
    if isinstance(question, Failure):
        return name
    return f"{name}-{question.scenario}-{question.processors}"


def _proof(question: Question, names: Sequence[str] = USUAL_GOALS) -> Proof:
    return prove_subject(prepare(question), names)


@pytest.mark.parametrize("question", FIXED, ids=_id)
def test_no_deadlock_and_no_forbidden_acquire(question: Question | Failure) -> None:
    """Every kernel invariant is inductive; with lemmas, where needed, every goal is proved.

    That no dead interrupt object is used takes the longest: here on one processor only.
    """
    assert isinstance(question, Question)
    several = question.processors > 1
    proof = _proof(question, [name for name in USUAL_GOALS if not several or name != DEAD_OBJECT])
    assert not proof.dropped
    assert all(goal.proved for goal in proof.goals)


@pytest.mark.parametrize(("name", "processors", "goal"), FORBIDDEN)
def test_the_proof_of_a_fixed_driver_needs_invariants(
    name: str, processors: int, goal: str
) -> None:
    """What keeps it from the forbidden acquire holds in reachable states only."""
    path = PATTERNS / f"{name}_fixed.py"
    proof = _proof(Question(str(path), "scenario", processors, Options()))
    goals = [item for item in proof.goals if item.property == goal]
    assert any(not item.everywhere for item in goals)
    assert any(item.property == LEMMA for item in proof.invariants)
    assert proof.complete


@pytest.mark.parametrize(("name", "processors", "goal"), FORBIDDEN)
def test_without_the_fix_the_induction_fails_and_the_search_finds_why(
    name: str, processors: int, goal: str
) -> None:
    question = Question(str(PATTERNS / f"{name}.py"), "scenario", processors, Options())
    proof = _proof(question, (goal,))
    assert any(item.property == goal and not item.proved for item in proof.goals)
    machine = prepare(question).machine
    verdict = ReferenceEngine().check(machine).verdict
    assert isinstance(verdict, Violated)
    assert verdict.property == goal


def test_a_proof_with_lemmas_is_a_certificate_for_another_solver() -> None:
    """The default solver of Z3, which knows nothing of the search, confirms each question."""
    question = Question(str(PATTERNS / "pcidrv_stop_fixed.py"), "scenario", 1, Options())
    subject = prepare(question)
    proof = prove_subject(subject, USUAL_GOALS)
    claims = [*proof.invariants, *deadlock_goals(subject.system)]
    checks = [
        Invariant(
            check.property,
            disjunction(negation(conjunction(*step.guard, *step.scheduling)), check.condition),
        )
        for step in subject.machine.transitions
        for check in step.checks
        if check.property == DEAD_OBJECT
    ]
    assert set(answers(to_smt2(subject.machine, claims, checks))) == {"unsat"}
    lemmas = [item for item in claims if item.property == LEMMA]
    others = [item for item in claims if item.property != LEMMA]
    assert lemmas
    assert "sat" in answers(to_smt2(subject.machine, others, checks))


@pytest.mark.parametrize("name", NESTED)
def test_lock_order_is_proved_where_locks_are_nested(name: str) -> None:
    """A proof that has something to say: two contexts could wait for each other, and do not."""
    proof = _proof(Question(str(PATTERNS / f"{name}.py"), "scenario", 2, Options()))
    rings = [goal for goal in proof.goals if goal.property == "lock-cycle"]
    assert rings
    assert all(goal.proved for goal in proof.goals)


@pytest.mark.parametrize(
    ("name", "broken"),
    [
        ("spin_lock_taken_by_isr", "preemption-deadlock"),
        ("vioscsi_complete_in_isr", "preemption-deadlock"),
        ("bcmgenet_flush_under_lock", "irql-too-high"),
    ],
)
def test_what_is_broken_is_not_proved(name: str, broken: str) -> None:
    """The faulty twin has no proof of the property that it breaks."""
    proof = _proof(Question(str(PATTERNS / f"{name}.py"), "scenario", 1, Options()))
    assert any(goal.property == broken and not goal.proved for goal in proof.goals)
