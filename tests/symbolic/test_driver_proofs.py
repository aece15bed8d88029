"""Proofs about real drivers: no wait-for cycle, no routine called where its contract forbids it."""

from pathlib import Path

import pytest

from dirql.app.answers import Subject, prepare
from dirql.app.proving import USUAL_GOALS, prove_subject
from dirql.app.questions import Failure, Options, Question, plan
from dirql.explorer.symbolic.proof import Proof

PATTERNS = Path(__file__).parent.parent.parent / "patterns"

NESTED = (
    "locks_released_in_taking_order_fixed",
    "pcidrv_reset_fixed",
    "two_ports_two_orders_fixed",
)
"""Patterns in which one spin lock is taken while another is held."""

FIXED = plan(sorted(PATTERNS.glob("*_fixed.py")), Options())


def _id(question: Question | Failure) -> str:
    """A short name for one case."""
    name = Path(question.pattern).stem
    if isinstance(question, Failure):
        return name
    return f"{name}-{question.scenario}-{question.processors}"


def _proof(question: Question | Failure) -> Proof:
    assert isinstance(question, Question)
    found = prepare(question)
    assert isinstance(found, Subject)
    return prove_subject(found, USUAL_GOALS)


@pytest.mark.parametrize("question", FIXED, ids=_id)
def test_no_deadlock_and_no_forbidden_level(question: Question | Failure) -> None:
    """Every kernel invariant is inductive, and with them every goal is proved."""
    proof = _proof(question)
    assert not proof.dropped
    assert all(goal.proved for goal in proof.goals)


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
