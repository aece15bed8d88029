"""Checks that take long: limits end them with an answer, Ctrl-C with what is known."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dirql.app.cli import run
from dirql.explorer import budget

from ..machines import Clock
from .fakes import checks
from .test_ending import default_signals

LARGE = Path(__file__).parents[2] / "patterns" / "two_interrupts_two_locks_fixed.py"
"""On six processors, far more states than are found in a minute."""

COMMAND = [sys.executable, "-c", "from dirql.app.cli import main; main()", "check", str(LARGE)]
ENVIRONMENT = {**os.environ, "DIRQL_CACHE_DIR": "", "COLUMNS": "200", "TERM": "xterm"}
POSIX = pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals there")
ENGINES = pytest.mark.parametrize("engine", ["reference", "native", "auto"])


def check(*arguments: str, first: Callable[[], None] | None = None) -> tuple[int, dict[str, Any]]:
    """The exit code and the answer; `first` is done in the process before it begins."""
    command = [*COMMAND, "--processors", "6", "--format", "json", *arguments]
    done = subprocess.run(
        command,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=first,
    )
    assert done.stderr == ""
    (found,) = checks(done.stdout)
    return done.returncode, found


@ENGINES
def test_time_runs_out(
    engine: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a clock that goes on 200 seconds with each look, not with the speed of the computer."""
    monkeypatch.setattr(budget, "time", Clock(200.0))
    monkeypatch.setenv("DIRQL_CACHE_DIR", "")
    arguments = ["--processors", "6", "--format", "json", "--timeout", "3600"]
    assert run(["check", str(LARGE), *arguments, "--engine", engine]) == 2
    (found,) = checks(capsys.readouterr().out)
    assert (found["verdict"], found["complete"]) == ("unknown", False)
    assert found["reason"].startswith("the limit of 3600 seconds was reached: ")
    assert found["states"] > 100
    assert found["transitions"] > 100
    assert found["depth"] > 3


@ENGINES
def test_no_time_at_all(engine: str) -> None:
    """Wherever it ends: while the pattern is read, compiled or explored."""
    code, found = check("--engine", engine, "--timeout", "0.000001")
    assert (code, found["verdict"]) == (2, "unknown")
    assert found["reason"].startswith("the limit of 1e-06 seconds was reached")


@ENGINES
def test_no_memory_at_all(engine: str) -> None:
    code, found = check("--engine", engine, "--memory", "1M")
    assert (code, found["verdict"]) == (2, "unknown")
    assert found["reason"].startswith("the limit of 1048576 bytes of memory was reached")


@ENGINES
@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak of the child")
def test_memory_runs_out(engine: str) -> None:
    """The process stays below the limit, up to what is found between two looks."""
    code, found = check("--engine", engine, "--memory", "400M")
    assert (code, found["verdict"]) == (2, "unknown")
    assert "bytes of memory was reached" in found["reason"]
    assert found["states"] > 10_000


@POSIX
def test_the_computer_has_no_memory() -> None:
    """As where the operating system refuses before `--memory` is reached."""
    import resource

    def little() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (7 * 2**27, 7 * 2**27))

    code, found = check("--engine", "native", "--memory", "1T", first=little)
    assert (code, found["verdict"]) == (2, "unknown")
    assert found["reason"].startswith("the computer has no more memory: ")
    assert found["states"] > 10_000


def watched(*arguments: str) -> tuple[subprocess.Popen[str], int]:
    """A check whose error output is a terminal; its other end."""
    import pty

    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*COMMAND, *arguments],
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=theirs,
        text=True,
        start_new_session=True,  # Ctrl-C reaches all processes of a terminal, and not this test
        preexec_fn=default_signals,  # noqa: PLW1509  (no thread of the tests runs by then)
    )
    os.close(theirs)
    return process, ours


def read_until(terminal: int, words: str) -> str:
    """What is shown until the expression `words` is there, however long that takes."""
    shown = ""
    while not re.search(words, shown):
        try:
            shown += os.read(terminal, 65536).decode()
        except OSError:  # the other end is closed
            break
    assert re.search(words, shown), shown[-2000:]
    return shown


@POSIX
@ENGINES
def test_interrupted(engine: str) -> None:
    process, terminal = watched("--processors", "6", "--engine", engine)
    try:
        shown = read_until(terminal, "transitions/s, depth ")
        assert "6 processors: " in shown
        os.killpg(process.pid, signal.SIGINT)
        shown = read_until(terminal, "unfinished: .* states, .* transitions/s, depth .* MB, ")
        output, _ = process.communicate()
    finally:
        process.kill()
        os.close(terminal)
    assert process.returncode == 130
    assert "interrupted: 0 of 1 checks finished" in shown
    assert "Traceback" not in shown
    assert output == ""


@POSIX
def test_interrupted_side_by_side() -> None:
    arguments = ["--processors", "7", "--processors", "6", "--jobs", "2"]
    process, terminal = watched(*arguments)
    try:
        read_until(terminal, "7 processors: .* transitions/s, depth ")
        os.killpg(process.pid, signal.SIGINT)
        shown = read_until(terminal, "interrupted: 0 of 2 checks finished")
        process.communicate()
    finally:
        process.kill()
        os.close(terminal)
    assert process.returncode == 130
    assert "Traceback" not in shown


def test_a_limit_says_how_to_go_on(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["check", str(LARGE), "--no-cache", "--max-states", "20"]) == 2
    assert "To get an answer: " in capsys.readouterr().out
