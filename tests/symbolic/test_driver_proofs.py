"""Proofs about real drivers: no wait-for cycle, no routine called where its contract forbids it."""

from pathlib import Path

import pytest

from dirql.app.answers import Subject, prepare
from dirql.app.proving import USUAL_GOALS, prove_subject
from dirql.app.questions import Failure, Options, Question, plan
from dirql.explorer.symbolic.proof import Proof

PATTERNS = Path(__file__).parent.parent.parent / "patterns"

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
