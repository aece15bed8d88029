"""Closed and full streams, and readers that go away: never a verdict that nobody gave."""

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from dirql.app import cli, streams
from dirql.app.cli import run

PATTERNS = Path(__file__).parents[2] / "patterns"
HOLDS, VIOLATED = PATTERNS / "pcidrv_stop_fixed.py", PATTERNS / "pcidrv_stop.py"
DIRQL = [sys.executable, "-c", "from dirql.app.cli import main; main()"]
POSIX = pytest.mark.skipif(sys.platform == "win32", reason="the words are those of a shell")

COMMANDS = {
    "check": f"check {HOLDS}",
    "side by side": f"check {HOLDS} {VIOLATED} --jobs 2",
    "JSON": f"check {VIOLATED} --format json",
    "replay": f"replay trace.json --pattern {VIOLATED}",
    "prove": f"prove {HOLDS} --processors 1",
    "explain": "explain 6.1.1",
    "rules": "rules",
    "show": f"show routines {HOLDS}",
    "help": "--help",
    "version": "--version",
    "cache": "cache info",
}
"""Whatever prints an answer. None of them may say "violated" (1) or "internal error" (70)."""

BAD_OUTPUTS = {
    "| true; exit ${PIPESTATUS[0]}": (141, ""),
    ">&-": (74, "dirql: the answer could not be written: the standard output is closed\n"),
    "> /dev/full": (74, "dirql: the answer could not be written: No space left on device\n"),
    "1< /dev/null": (74, "dirql: the answer could not be written: Bad file descriptor\n"),
    ">&- 2>&- <&-": (74, ""),
    "> /dev/full 2> /dev/full": (74, ""),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the commands run; a trace is there."""
    made = tmp_path_factory.mktemp("streams")
    shell(made, f"check {VIOLATED} --processors 2 --trace trace.json", "")
    assert (made / "trace.json").exists()
    return made


def shell(folder: Path, command: str, redirections: str) -> "subprocess.CompletedProcess[str]":
    """A command with its streams as a shell gives them to it."""
    return subprocess.run(
        ["bash", "-c", f'"$@" {command} {redirections}', "bash", *DIRQL],
        cwd=folder,
        env={**os.environ, "DIRQL_CACHE_DIR": str(folder / "cache")},
        capture_output=True,
        text=True,
        check=False,
    )


@POSIX
@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("bad", ["| true; exit ${PIPESTATUS[0]}", "> /dev/full"])
def test_every_command_notices(folder: Path, command: str, bad: str) -> None:
    code, said = BAD_OUTPUTS[bad]
    done = shell(folder, COMMANDS[command], bad)
    assert (done.returncode, done.stderr) == (code, said)


@POSIX
@pytest.mark.parametrize("bad", BAD_OUTPUTS)
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_every_bad_output(
    folder: Path, bad: str, unbuffered: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONUNBUFFERED", unbuffered)
    code, said = BAD_OUTPUTS[bad]
    done = shell(folder, COMMANDS["version"], bad)
    assert (done.returncode, done.stderr) == (code, said)


@POSIX
@pytest.mark.parametrize("bad", ["2> /dev/full", "<&- 2>&-"])
@pytest.mark.parametrize(
    ("command", "code"),
    [
        (f"check {HOLDS}", 0),
        (f"check {VIOLATED} --jobs 2", 1),
        (f"check {HOLDS} --max-states 5 --no-cache", 2),
        ("check --bad", 64),
        ("explain nothing-like-this", 64),
        ("check trace.json", 65),
    ],
)
def test_what_is_no_answer_may_be_lost(folder: Path, bad: str, command: str, code: int) -> None:
    assert shell(folder, command, bad).returncode == code


@POSIX
def test_nothing_else_gets_the_number_of_a_closed_stream() -> None:
    """What C code writes to the error output would be written into a file of the cache."""
    code = (
        "import os, sys; from dirql.app import streams; streams.guard();"
        "sys.exit(10 + open(os.devnull).fileno())"
    )
    command = ["bash", "-c", '"$0" -c "$1" <&- >&- 2>&-', sys.executable, code]
    assert subprocess.run(command, check=False).returncode == 13


def test_a_reader_that_does_not_wait() -> None:
    """A pipe set to be non-blocking by its other end: all is written, a piece at a time."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    code = (
        "from dirql.app import streams; streams.guard(); import sys;"
        "sys.stdout.write('x' * 1_000_000); sys.stdout.flush()"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=writer) as process:
        os.close(writer)
        with os.fdopen(reader, "rb") as pipe:
            assert len(pipe.read()) == 1_000_000
    assert process.returncode == 0


@pytest.mark.parametrize("error", [BrokenPipeError(32, "Broken pipe"), SystemExit(1), SystemExit()])
def test_nothing_chooses_an_exit_code_by_itself(
    error: BaseException,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A pipe between our own processes may break as well; that is no verdict."""

    def fail() -> None:
        raise error

    monkeypatch.setattr(cli.rules, "callback", fail)
    assert run(["rules"]) == 70
    said = capsys.readouterr().err
    assert type(error).__name__ in said
    Path(said.split()[-1]).unlink()


def test_a_stream_in_memory_stays_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    ours = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    monkeypatch.setattr(sys, "stdout", ours)
    monkeypatch.setattr(sys, "stderr", ours)
    streams.guard()
    assert sys.stdout is ours
    assert streams.is_open()


def test_an_internal_error_needs_no_file(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where no file can be written the traceback is printed: it must not be lost."""

    def fail() -> None:
        raise RuntimeError("out of cheese")

    def refuse(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(cli.rules, "callback", fail)
    monkeypatch.setattr("tempfile.NamedTemporaryFile", refuse)
    assert run(["rules"]) == 70
    said = capsys.readouterr().err
    assert "no file could be written: No space left on device" in said
    assert "Traceback" in said
