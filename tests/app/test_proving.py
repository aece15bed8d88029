"""`dirql prove`."""

from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion

from dirql.app import proving
from dirql.app.cli import run
from dirql.app.proving import USUAL_GOALS, lemma_text, proof_text
from dirql.explorer.symbolic import induction
from dirql.explorer.symbolic.observed import LEMMA
from dirql.explorer.symbolic.proof import Counterexample, Goal, Kind, Proof
from dirql.model.expr import FALSE
from dirql.model.machine import Check, Invariant
from dirql.properties import PROPERTIES

from .fakes import Workshop

PATTERNS = Path(__file__).parents[2] / "patterns"


@pytest.fixture(autouse=True)
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """However busy the computer is: the solver has all the time that it needs."""
    monkeypatch.setattr(proving, "PATIENCE", 1e6)
    defaults = {**(induction.prove.__kwdefaults__ or {}), "seconds": 1e6}
    monkeypatch.setattr(induction.prove, "__kwdefaults__", defaults)


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


def test_a_race_that_happens_is_not_proved(capsys: pytest.CaptureFixture[str]) -> None:
    path = PATTERNS / "serial_wait_race.py"
    assert run(["prove", str(path), "--property", "data-race", "--processors", "2"]) == 2
    assert "data-race  not proved" in capsys.readouterr().out
    path = PATTERNS / "serial_wait_race_fixed.py"
    assert run(["prove", str(path), "--property", "data-race", "--processors", "2"]) == 0
    assert "data-race  proved" in capsys.readouterr().out


def test_progress_is_never_proved(capsys: pytest.CaptureFixture[str]) -> None:
    path = PATTERNS / "cancel_versus_dpc.py"
    arguments = ["prove", str(path), "--processors", "1"]
    assert run([*arguments, "--property", "stuck-context"]) == 2
    assert "not proved: induction does not speak of progress" in capsys.readouterr().out
    run([*arguments, "--all"])
    assert "stuck-context" not in capsys.readouterr().out


COUNTS_IN_A_LOCAL = """
from dirql.model.wdk import *


class Counter(Driver):
    go = Bit(1, volatile=True)
    lock = KSPIN_LOCK()

    def Count(self):
        n = 0
        while self.go:
            n += 1
        if n > 100000:
            KeRaiseIrql(HIGH_LEVEL, Old)
            KeAcquireSpinLock(self.lock, Older)

    def Stop(self):
        self.go = 0


scenario = Scenario(concurrently=[Counter.Count, Counter.Stop])
"""


def test_nothing_is_proved_beyond_a_limit_of_the_model(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A behaviour that the model cuts off may well break what looks proved."""
    path = tmp_path / "counter.py"
    path.write_text(COUNTS_IN_A_LOCAL, encoding="utf-8")
    assert run(["prove", str(path), "--processors", "1"]) == 2
    out = capsys.readouterr().out
    assert "irql-too-high                  proved up to a limit of the model" in out
    assert "the local n of Count may leave" in out


def test_lemmas_are_printed_on_request(capsys: pytest.CaptureFixture[str]) -> None:
    """With the names a driver's author knows."""
    path = PATTERNS / "pcidrv_stop_fixed.py"
    arguments = ["prove", str(path), "--processors", "1"]
    assert run(arguments) == 0
    assert "  lemma: " not in capsys.readouterr().out
    assert run([*arguments, "--lemmas"]) == 0
    out = capsys.readouterr().out
    lemmas = [text for text in out.splitlines() if text.startswith("  lemma: never ")]
    assert f"kernel invariants and {len(lemmas)} lemmas inductive" in out
    assert any("DPC on P0" in text for text in lemmas)
    assert not any("driver." in text for text in lemmas)


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
        Goal(Kind.CHECK, "irql-too-low", "KeSetEvent at 0", 1, proved=True, everywhere=True),
        Goal(Kind.INVARIANT, "lock-cycle", "a waits for b", None, False, found),
        Goal(Kind.INVARIANT, "preemption-deadlock", "a waits below b", None, proved=False),
        Goal(Kind.DOMAIN, "", "self.count += 1", 1, proved=False),
    )
    learnt = Invariant(LEMMA, FALSE, "never driver.ready in {0} and at DPC@P0 in {idle}")
    proof = Proof("holds", 1, (), (learnt,), (), goals, 12, 0.3)
    assert proof_text(proof, machine, USUAL_GOALS) == snapshot
    assert lemma_text(proof) == "  lemma: never ready in {0} and at DPC on P0 in {idle}"


def test_open_goals_are_counted_as_places_are(workshop: Workshop) -> None:
    """That the driver comes to rest is asked beside them, and no place."""
    machine = workshop.machine("holds/1/")
    asked = (
        Goal(Kind.QUIESCENT, "queue-left-pending", "DPC is queued", None, proved=False),
        Goal(Kind.QUIESCENT, "queue-left-pending", "timer is armed", None, proved=False),
        Goal(Kind.PROGRESS, "queue-left-pending", "comes to rest", None, proved=False),
        Goal(Kind.CHECK, "irql-too-high", "at 7", 0, proved=True),
        Goal(Kind.CHECK, "irql-too-low", "at 0", 0, proved=True, everywhere=True),
    )
    proof = Proof("holds", 1, (), (), (), asked, 1, 0.1)
    text = proof_text(proof, machine, [goal.property for goal in asked[2:]])
    assert "queue-left-pending  not proved (2 of 2 places)" in text
    assert "irql-too-high       proved (1 place, by induction)" in text
    assert "irql-too-low        proved (1 place, by itself)" in text


ENDS_EARLY = '''
"""A thread that comes to something worse behind what it does first."""
from dirql.model.wdk import *


class Ends(Driver):
    n = Int(0, 3)
    ring = Array(Bit(), 2)
    which = Int(0, 2, initial={WHICH}, volatile=True)
    first = KSPIN_LOCK()
    second = KSPIN_LOCK()

    def Thread(self):
        FIRST
        KeAcquireSpinLock(self.first, Old)
        KeAcquireSpinLockAtDpcLevel(self.first)
        KeReleaseSpinLockFromDpcLevel(self.first)
        KeReleaseSpinLock(self.first, Old)


scenario = Scenario(concurrently=[Ends.Thread], processors=[1])
'''

CRASHES = {
    "value-out-of-range": "self.n = 5",
    "assertion-failed": 'assert FALSE, "never here"',
    "index-out-of-range": "self.ring[self.which] = 1",
    "irql-lowered-wrongly": "KeRaiseIrql(DISPATCH_LEVEL, Other); KeLowerIrql(APC_LEVEL)",
}
OUT_OF_ORDER = """KeRaiseIrql(DISPATCH_LEVEL, Other)
        KeAcquireSpinLockAtDpcLevel(self.first)
        KeAcquireSpinLockAtDpcLevel(self.second)
        KeReleaseSpinLockFromDpcLevel(self.first)
        KeReleaseSpinLockFromDpcLevel(self.second)
        KeLowerIrql(Other)"""


def ends(folder: Path, first: str, which: str = "2") -> str:
    """The path of the driver that does `first` before it takes a lock twice."""
    path = folder / "ends.py"
    path.write_text(ENDS_EARLY.replace("FIRST", first).replace("WHICH", which), encoding="utf-8")
    return str(path)


@pytest.mark.parametrize("crash", CRASHES)
@pytest.mark.parametrize("asked", [["--property", "recursive-lock-acquire"], [], ["--all"]])
def test_nothing_is_proved_behind_a_crash(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], crash: str, asked: list[str]
) -> None:
    """Also where the crash is asked about: what lies behind it is in no state of the machine."""
    assert run(["prove", ends(tmp_path, CRASHES[crash]), *asked]) == 2
    out = capsys.readouterr().out
    (line,) = (item for item in out.splitlines() if "recursive-lock-acquire  " in item)
    assert "not proved behind a crash" in line
    assert f"behaviours end where these rules are broken:\n    {crash}\n" in out


def test_a_crash_that_only_some_behaviours_come_to_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = ends(tmp_path, CRASHES["index-out-of-range"], "1, 2")
    assert run(["prove", path, "--property", "irql-too-high"]) == 2
    out = capsys.readouterr().out
    assert "irql-too-high  not proved behind a crash" in out
    assert "index-out-of-range" in out
    assert "recursive-lock-acquire" in out


def test_a_crash_that_no_behaviour_comes_to_cuts_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = ends(tmp_path, CRASHES["index-out-of-range"], "0, 1")
    assert run(["prove", path, "--property", "index-out-of-range"]) == 2
    out = capsys.readouterr().out
    assert "recursive-lock-acquire" in out  # it is certain, and nothing behind it is covered
    assert "\n    index-out-of-range" not in out


def test_a_proof_goes_on_behind_what_a_free_build_survives(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = ends(tmp_path, OUT_OF_ORDER)
    assert run(["prove", path, "--property", "recursive-lock-acquire"]) == 2
    out = capsys.readouterr().out
    assert "recursive-lock-acquire  not proved (" in out
    assert "release-out-of-order" not in out
    assert run(["prove", path, "--property", "release-out-of-order"]) == 2
    assert "release-out-of-order  not proved (1 of" in capsys.readouterr().out


def test_in_a_space_too_large_to_explore_whatever_is_not_excluded_may_cut(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dirql.app.proving.MOST_STATES", 1)
    path = ends(tmp_path, f"self.n = 1\n        {CRASHES['index-out-of-range']}", "0, 1")
    assert run(["prove", path, "--property", "irql-too-high"]) == 2
    out = capsys.readouterr().out
    assert "behaviours may end where these rules are broken:\n    index-out-of-range" in out
