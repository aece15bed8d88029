"""`--ignore` and `ignore=[...]`: a property that is waived, and says so."""

import json
from pathlib import Path

import pytest

from dirql.app.cli import run

NEVER_CLAIMS = '''
"""A driver that never claims, on purpose: two functions share its line."""
from dirql.model.wdk import *


class Card(Device):
    enabled = Bit(0)
    cause = Bit(0)

    def line(self):
        return self.cause and self.enabled

    @hardware
    def event(self):
        self.cause = 1

    def acknowledge(self):
        had_cause = self.cause
        self.cause = 0
        return had_cause


class CardDriver(Driver):
    card = Card(Line(irql=6, mode=LevelSensitive, shared=True))
    Interrupt = PKINTERRUPT()
    Dpc = KDPC()

    def Start(self):
        KeInitializeDpc(self.Dpc, self.DpcForIsr)
        status = IoConnectInterrupt(self.Interrupt, self.Isr, ProcessorEnableMask=1)
        if NT_SUCCESS(status):
            self.card.enabled = 1
        return status

    def Isr(self, Interrupt, ServiceContext):
        if self.card.acknowledge():
            KeInsertQueueDpc(self.Dpc)
        return FALSE

    def DpcForIsr(self, Dpc, DeferredContext):
        pass


scenario = Scenario(start=CardDriver.Start, processors=[1]MORE)
'''
UNCLAIMED = "handled-but-unclaimed"


@pytest.fixture
def write(tmp_path: Path) -> "Write":
    return Write(tmp_path / "card.py")


class Write:
    """Writes the driver, its scenario with more arguments."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __call__(self, more: str = "", change: tuple[str, str] = ("", "")) -> str:
        text = NEVER_CLAIMS.replace("MORE", more)
        self._path.write_text(text.replace(*change) if change[0] else text, encoding="utf-8")
        return str(self._path)


def test_a_waived_property_is_not_reported(
    write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["check", write()]) == 1
    assert UNCLAIMED in capsys.readouterr().out
    assert run(["check", write(), "--ignore", UNCLAIMED]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "1 processor holds " in out
    assert f"waived: {UNCLAIMED}" in out
    assert "properties; " in out  # the others are not listed


def test_a_scenario_waives(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(f', ignore=["{UNCLAIMED}", "data-race"]')
    assert run(["check", path, "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out.splitlines()[0])
    assert f"waived: {UNCLAIMED}, data-race" in found["scope"]
    assert run(["check", path, "--property", UNCLAIMED]) == 1  # asked for by name


def test_what_lies_behind_a_waived_property_is_found(
    write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(change=("        pass", '        assert FALSE, "behind it"'))
    assert run(["check", path, "--ignore", UNCLAIMED]) == 1
    out = capsys.readouterr().out
    assert "violated: assertion-failed" in out
    assert "Also broken" not in out


def test_a_waived_property_changes_what_is_remembered(
    write: Write,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DIRQL_CACHE_DIR", str(tmp_path / "cache"))
    path = write()
    for _ in range(2):
        assert run(["check", path]) == 1
        assert run(["check", path, "--ignore", UNCLAIMED]) == 0
        assert run(["check", path, "--ignore", "data-race"]) == 1
    assert "from the cache" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["stuck-context", "assertion-failed", "lock-cycle"])
def test_a_crash_cannot_be_waived(
    write: Write, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    assert run(["check", write(), "--ignore", name]) == 64
    assert f"{name} cannot be waived: it is a crash" in capsys.readouterr().err
    assert run(["check", write(f', ignore=["{name}"]')]) == 65
    assert f"{name} cannot be waived: it is a crash" in capsys.readouterr().err


def test_unknown_names_and_nothing_left(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["check", write(), "--ignore", "handled-but-unclaim"]) == 64
    assert UNCLAIMED in capsys.readouterr().err
    assert run(["check", write(', ignore=["handled-but-unclaim"]')]) == 65
    assert f"did you mean {UNCLAIMED}" in capsys.readouterr().err
    assert run(["check", write(), "--property", UNCLAIMED, "--ignore", UNCLAIMED]) == 65
    assert "nothing is left to check" in capsys.readouterr().err


def test_a_trace_of_a_check_that_waived_something_replays(
    write: Write, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = write(change=("        pass", '        assert FALSE, "behind it"'))
    trace = str(tmp_path / "trace.json")
    assert run(["check", path, "--ignore", UNCLAIMED, "--trace", trace]) == 1
    assert run(["replay", trace]) == 0
    assert run(["check", path, "--trace", trace]) == 1
    assert run(["replay", trace]) == 0
    assert "assertion-failed" in capsys.readouterr().out
