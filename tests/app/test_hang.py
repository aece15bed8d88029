"""The sentence that says what hangs, and why."""

from pathlib import Path

import pytest

from dirql.app.cli import run

HEAD = """
from dirql.model.wdk import *


class Nic(Device):
    cause = Bit(0)

    def line(self):
        return self.cause

    @hardware
    def event(self):
        self.cause = 1


class Drv(Driver):
    First = KSPIN_LOCK()
    Second = KSPIN_LOCK()
    Done = KEVENT(NotificationEvent, FALSE)
    go = Bit(0, volatile=True)
"""

LOCKS = """
    def One(self):
        KeAcquireSpinLock(self.First, OldIrql)
        KeAcquireSpinLockAtDpcLevel(self.Second)
        KeReleaseSpinLockFromDpcLevel(self.Second)
        KeReleaseSpinLock(self.First, OldIrql)

    def Two(self):
        KeAcquireSpinLock(self.Second, OldIrql)
        KeAcquireSpinLockAtDpcLevel(self.First)
        KeReleaseSpinLockFromDpcLevel(self.First)
        KeReleaseSpinLock(self.Second, OldIrql)

    def Start(self):
        KeInitializeSpinLock(self.First)
        KeInitializeSpinLock(self.Second)


scenario = Scenario(start=Drv.Start, concurrently=[Drv.One, Drv.Two], processors=[2])
"""

EVENT = """
    def One(self):
        if self.go:
            KeSetEvent(self.Done)

    def Two(self):
        KeWaitForSingleObject(self.Done)


scenario = Scenario(concurrently=[Drv.One, Drv.Two], processors=[1])
"""

ROUND = """
    def One(self):
        while not self.go:
            pass

    def Two(self):
        self.go = 0


scenario = Scenario(concurrently=[Drv.One, Drv.Two], processors=[1])
"""

STORM = """
    nic = Nic(Line(irql=7))
    Interrupt = PKINTERRUPT()

    def Start(self):
        return IoConnectInterrupt(self.Interrupt, self.Isr)

    def Isr(self, Interrupt, ServiceContext):
        return TRUE

    def Two(self):
        self.go = 0


scenario = Scenario(start=Drv.Start, concurrently=[Drv.Two], processors=[1])
"""


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (LOCKS, "One stands for ever at One:24, spinning for Second, which Two owns; Two stands"),
        (LOCKS, "at Two:30, spinning for First, which One owns; so One waits for itself."),
        (
            EVENT,
            "2 steps later at the nearest: Two stands for ever at Two:27, waiting for Done",
        ),
        (ROUND, "1 step later at the nearest: One goes round for ever (One:2"),
        (STORM, "nic interrupt on P0 goes round for ever (Isr"),
        (STORM, "): the line stays asserted, no service routine quiets the device."),
    ],
)
def test_what_hangs(
    body: str,
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    pattern = tmp_path / "drv.py"
    pattern.write_text(HEAD + body, encoding="utf-8")
    arguments = ["--property", "stuck-context", "--trace", "trace.json"]
    assert run(["check", str(pattern), *arguments]) == 1
    assert said in " ".join(capsys.readouterr().out.split())
    assert run(["replay", "trace.json"]) == 0
    assert said in " ".join(capsys.readouterr().out.split())


DOOMED = """
    def One(self):
        self.go = 0
        KeWaitForSingleObject(self.Done)


scenario = Scenario(concurrently=[Drv.One], processors=[1])
"""


def test_a_certain_hang_shows_the_way_into_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """There are no steps to the violation; those into the standstill are stored and replayed."""
    monkeypatch.chdir(tmp_path)
    pattern = tmp_path / "drv.py"
    pattern.write_text(HEAD + DOOMED, encoding="utf-8")
    for arguments in (["check", "--no-cache", str(pattern), "--trace", "trace.json"],) * 2:
        assert run(arguments) == 1
        shown = capsys.readouterr().out
        assert "violated: stuck-context, after 0 steps" in shown
        before, _, behind = shown.partition("no way back from here; the way into it:")
        assert "self.go = 0" not in before
        assert " 1  PASSIVE  One:23" in behind
        assert "KeWaitForSingleObject(self.Done)" in behind
    stored = (tmp_path / "trace.json").read_text(encoding="utf-8")
    assert run(["replay", "trace.json"]) == 0
    assert "the way into it" in capsys.readouterr().out
    damaged = stored.replace('"name": "writes ', '"name": "rewrites ')
    assert damaged != stored
    (tmp_path / "trace.json").write_text(damaged, encoding="utf-8")
    assert run(["replay", "trace.json"]) != 0
    assert "step 1" in capsys.readouterr().err


def test_a_kept_answer_shows_the_way_into_it_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DIRQL_CACHE_DIR", str(tmp_path / "cache"))
    pattern = tmp_path / "drv.py"
    pattern.write_text(HEAD + DOOMED, encoding="utf-8")
    shown = set[str]()
    for _ in range(2):
        assert run(["check", str(pattern)]) == 1
        text = capsys.readouterr().out
        shown.add(text.partition("stuck-context (")[0])
        assert "the way into it" in text
    assert len(shown) == 1
