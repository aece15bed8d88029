"""`dirql prove`."""

import pytest
from syrupy.assertion import SnapshotAssertion

from dirql.app.cli import run
from dirql.app.proving import USUAL_GOALS, proof_text
from dirql.explorer.symbolic.proof import Counterexample, Goal, Kind, Proof
from dirql.model.expr import FALSE
from dirql.model.machine import Check
from dirql.properties import PROPERTIES

from .fakes import Workshop


def test_usual_goals_are_properties() -> None:
    assert set(USUAL_GOALS) <= {item.name for item in PROPERTIES}


def test_what_nothing_can_break_is_proved(
    workshop: Workshop, pattern: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["prove", pattern]) == 0
    out = capsys.readouterr().out
    assert all(f"{name} " in out for name in USUAL_GOALS)
    assert "not proved" not in out


@pytest.mark.parametrize("arguments", [[], ["--property", "irql-too-high"], ["--all"]])
def test_what_a_step_breaks_is_not_proved(
    workshop: Workshop, pattern: str, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    workshop.checks = (Check("irql-too-high", FALSE, "KeSetEvent is called at DIRQL 7"),)
    assert run(["prove", pattern, *arguments]) == 2
    out = capsys.readouterr().out
    assert "not proved (1 of 1 place)" in out
    assert "KeSetEvent is called at DIRQL 7" in out


def test_how_a_proof_is_told(workshop: Workshop, snapshot: SnapshotAssertion) -> None:
    machine = workshop.machine("holds/1/")
    many = tuple((f"driver.field{number}", number) for number in range(20))
    found = Counterexample(
        ((("at Start", "Start:7"), ("driver.Interrupt", "NULL"), ("driver.ready", True), *many),),
        0,
        "all claims hold before the step, and this one does not hold after it",
    )
    goals = (
        Goal(Kind.CHECK, "irql-too-high", "KeSetEvent is called at DIRQL 7", 0, proved=True),
        Goal(Kind.CHECK, "irql-too-high", "KeSetEvent is called at DIRQL 8", 1, proved=True),
        Goal(Kind.INVARIANT, "lock-cycle", "a waits for b", None, False, found),
        Goal(Kind.INVARIANT, "preemption-deadlock", "a waits below b", None, proved=False),
        Goal(Kind.DOMAIN, "", "self.count += 1", 1, proved=False),
    )
    proof = Proof("holds", 1, (), (), (), goals, 12, 0.3)
    assert proof_text(proof, machine, USUAL_GOALS) == snapshot
