"""Commands that load patterns: nothing of a pattern runs, unless --run-module says so."""

import json
from pathlib import Path

import pytest

from dirql.app.cli import run
from dirql.app.questions import forget_patterns

DRIVER = """{before}
from dirql.model.wdk import *


class D(Driver):
    x = Int(0, 3)

    def Start(self):
        self.x = 1
        assert self.x == 2


scenario = Scenario(start=D.Start, processors=[1])
"""
LOADING = (
    ["check"],
    ["check", "--format", "json"],
    ["check", "--expect"],
    ["check", "--jobs", "2"],
    ["prove"],
    ["warm"],
    ["show", "machine"],
    ["show", "routines"],
)


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A pattern that leaves a file behind when it runs."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DIRQL_CACHE_DIR", str(tmp_path / "cache"))
    path = tmp_path / "drv.py"
    path.write_text(DRIVER.format(before="open('ran', 'w').close()"), encoding="utf-8")
    forget_patterns()
    return path


@pytest.mark.parametrize("command", LOADING, ids=" ".join)
def test_nothing_runs(command: list[str], path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*command, str(path)]) == 65
    assert not Path("ran").exists()
    said = capsys.readouterr().err
    assert "`open` would have to run" in said
    assert "--run-module" in said


@pytest.mark.parametrize("command", LOADING, ids=" ".join)
def test_it_runs_when_the_user_says_so(command: list[str], path: Path) -> None:
    assert run([*command, "--run-module", str(path)]) in (0, 1, 2)
    assert Path("ran").exists()


def test_a_trace_does_not_say_what_runs(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["check", "--run-module", str(path), "--trace", "t.json"]) == 1
    Path("ran").unlink()
    forget_patterns()
    assert run(["replay", "t.json"]) == 65
    assert run(["replay", "t.json", "--run-module"]) == 64
    assert "--run-module needs --pattern" in capsys.readouterr().err
    assert not Path("ran").exists()
    assert run(["replay", "t.json", "--run-module", "--pattern", str(path)]) == 0
    assert Path("ran").exists()


@pytest.mark.parametrize(
    "before",
    [
        "import os; os._exit(0)",
        "exit(0)",
        "raise SystemExit(0)",
        "while True: pass",
        "class C:\n    while True: pass",
        "x = 9 ** 9 ** 9",
        "x = 'x' * 10 ** 10",
        "import sys; sys.stdout.close()",
        "import sys; sys.modules.clear()",
        "import builtins; builtins.open = None",
    ],
)
def test_no_pattern_answers_for_itself(
    before: str, path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path.write_text(DRIVER.format(before=before), encoding="utf-8")
    assert run(["check", str(path)]) == 65
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith((f"{path}:1:", f"{path}:2:"))


def test_no_line_of_a_pattern_is_in_the_json(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (path.parent / "other.py").write_text(DRIVER.format(before=""), encoding="utf-8")
    path.write_text(DRIVER.format(before="print('{}')"), encoding="utf-8")
    assert run(["check", "--format", "json", str(path.parent)]) == 65
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["pattern"] for line in lines if "pattern" in line] == [
        str(path.parent / "other.py")
    ]


@pytest.mark.parametrize("command", [*LOADING, ["replay"]], ids=" ".join)
def test_the_help_says_what_runs(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    words = [word for word in command if not word.startswith("-") and word not in ("json", "2")]
    assert run([*words, "--help"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "Run the module level of patterns as Python, with your rights." in said
    assert "Without this nothing of a pattern runs: it is read." in said
