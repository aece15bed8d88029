"""How a command ends that does not end by itself: limits, signals, processes that die."""

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import pytest

from dirql.app.cli import run
from dirql.explorer import patience
from dirql.explorer.engine import Limits
from dirql.explorer.patience import Lenient, LimitReached, Patience
from dirql.explorer.symbolic import solver

from .fakes import Workshop, checks, scenario

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
LITTLE = ["--timeout", "0.2", "--processors", "1"]


def forever() -> None:
    """Do nothing, without end."""
    while True:
        pass


# Limits


@pytest.mark.parametrize("work", [forever, lambda: time.sleep(3600), threading.Event().wait])
def test_a_limit_ends_what_looks_at_no_clock(work: Callable[[], object]) -> None:
    words = r"the limit of 0\.1 seconds was reached"
    with pytest.raises(LimitReached, match=words), Patience(Limits(seconds=0.1)):
        work()


def test_a_limit_of_memory_as_well() -> None:
    words = "the limit of 1 bytes of memory was reached"
    with pytest.raises(LimitReached, match=words), Patience(Limits(memory=1)):
        forever()


def test_a_limit_stops_the_solver() -> None:
    question = hard_question()
    with pytest.raises(LimitReached), Patience(Limits(seconds=0.2)):
        question.ask()
    assert solver.Solver().ask() is solver.Answer.SATISFIABLE


def hard_question() -> solver.Solver:
    """Which two numbers have this product: more than is found in a life."""
    one, other = solver.vector("one", 256), solver.vector("other", 256)
    found = solver.Solver()
    product = solver.number((2**89 - 1) * (2**107 - 1), 256)
    found.add(solver.equal(solver.calculate("*", one, other), product))
    for factor in (one, other):
        found.add(solver.less(solver.number(1, 256), factor))
        found.add(solver.less(factor, solver.number(2**110, 256)))
    return found


def test_who_looks_himself_gets_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "GRACE", 3600.0)
    with Patience(Limits(seconds=0.01)) as watch:
        with Lenient():
            time.sleep(0.3)
            assert not watch.exhausted
        with pytest.raises(LimitReached):
            patience.look()
        with pytest.raises(LimitReached):
            forever()


def test_who_swallows_it_gets_it_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "_AGAIN", 0.01)
    with Patience(Limits(seconds=0.01)):
        for _ in range(3):
            with pytest.raises(LimitReached):
                forever()


def test_nothing_is_raised_once_it_is_settled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "_AGAIN", 0.01)
    with Patience(Limits(seconds=0.01)):
        with pytest.raises(LimitReached):
            forever()
        patience.settle()
        time.sleep(0.3)
    time.sleep(0.1)


def test_an_import_is_finished(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a module without its end would stay behind."""
    text = (
        "from dirql.explorer import patience\n"
        "while not patience._current.exhausted: pass\n"
        "import time; time.sleep(0.3)\n"
        "whole = True\n"
    )
    (tmp_path / "slow_to_import.py").write_text(text, encoding="utf-8")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    with Patience(Limits(seconds=0.01)):
        module = import_module("slow_to_import")
        with pytest.raises(LimitReached):
            forever()
    assert module.whole


@pytest.mark.parametrize(
    ("name", "file", "doing"),
    [("endless", "fake.py", "compiled"), ("holds", "endless.py", "read")],
)
def test_a_limit_while_nothing_is_explored(
    workshop: Workshop,
    pattern: str,
    capsys: pytest.CaptureFixture[str],
    name: str,
    file: str,
    doing: str,
) -> None:
    Path(file).write_text("", encoding="utf-8")
    workshop.scenarios = (scenario(name),)
    assert run(["check", file, *LITTLE]) == 2
    reason = f"unknown: the limit of 0.2 seconds was reached while the pattern was {doing}\n"
    assert reason in capsys.readouterr().out
    assert run(["check", file, *LITTLE, "--format", "json"]) == 2
    (record,) = checks(capsys.readouterr().out)
    assert (record["verdict"], record["complete"]) == ("unknown", False)
    assert record["scenario"] == (name if doing == "compiled" else None)


def test_a_limit_costs_one_answer(
    workshop: Workshop, pattern: str, capsys: pytest.CaptureFixture[str]
) -> None:
    workshop.scenarios = (scenario("endless"), scenario("holds"))
    Path("endless.py").write_text("", encoding="utf-8")
    assert run(["check", "endless.py", pattern, *LITTLE, "--format", "json"]) == 2
    found = [record["verdict"] for record in checks(capsys.readouterr().out)]
    assert found == ["unknown", "unknown", "holds"]


def test_a_violation_survives_the_limit(
    workshop: Workshop,
    pattern: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is found; which knobs it needs is not."""
    workshop.scenarios = (scenario("endless_knobs"),)
    arguments = ["--timeout", "5", "--processors", "1"]
    assert run(["check", pattern, *arguments]) == 1
    words = "Which knobs it needs was not fully checked: the limit of 5 seconds was reached."
    assert words in capsys.readouterr().out


@pytest.mark.parametrize(
    "command", [["show", "machine"], ["prove"], ["show", "routines"], ["warm"]], ids=" ".join
)
def test_other_commands_have_limits(
    workshop: Workshop,
    pattern: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    command: list[str],
) -> None:
    monkeypatch.setenv("DIRQL_CACHE_DIR", str(Path("cache").absolute()))
    file = "endless.py" if command[-1] in ("routines", "warm") else pattern
    Path(file).write_text("", encoding="utf-8")
    workshop.scenarios = (scenario("endless"),)
    assert run([*command, file, "--timeout", "0.2"]) == 2
    assert capsys.readouterr().out == (
        "unknown: the limit of 0.2 seconds was reached before there was an answer\n"
    )


# Processes that die


@POSIX
def test_a_process_that_dies_costs_one_answer(
    workshop: Workshop, pattern: str, capsys: pytest.CaptureFixture[str]
) -> None:
    workshop.scenarios = (scenario("killed"), scenario("holds"), scenario("violated"))
    assert run(["check", pattern, "--jobs", "2", "--processors", "1", "--format", "json"]) == 1
    found = checks(capsys.readouterr().out)
    assert [record["verdict"] for record in found] == ["unknown", "holds", "violated"]
    assert "was killed by signal 9" in found[0]["reason"]


PARENT = """
import os, sys, time
from dirql.app import side_by_side
worker = side_by_side._Worker()
print(worker._process.pid, flush=True)
time.sleep(3600)
"""


@POSIX
def test_no_process_outlives_its_parent() -> None:
    """Not even one that was killed, and cannot say anything to its children."""
    with subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        parent.kill()
    while runs(child):
        time.sleep(0.01)


def runs(process: int) -> bool:
    """Whether the process is there, and is not one that nobody has asked about its end."""
    done = subprocess.run(
        ["ps", "-o", "stat=", "-p", str(process)], capture_output=True, text=True, check=False
    )
    return bool(done.stdout.strip()) and not done.stdout.startswith("Z")


# Signals

ASKING = """
from dirql.app import cli, interrupts
from dirql.app.arguments import Commands
from tests.app.test_ending import hard_question
def ask():
    question = hard_question()
    print("asking", flush=True)
    question.ask()
    return 0
cli.rules.callback = ask
import sys
sys.argv = ["dirql", "rules"]
cli.main()
"""
STUBBORN = """
import time
from dirql.app import interrupts
interrupts._ONE = 0.0
interrupts.listen()
begun = False
while True:
    try:
        if not begun:
            begun = True
            print("asking", flush=True)
        time.sleep(3600)
    except KeyboardInterrupt:
        print("no", flush=True)
"""


def started(program: str) -> "subprocess.Popen[str]":
    """A program that has begun, with signals as a terminal gives them."""
    process = subprocess.Popen(
        [sys.executable, "-c", program],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=default_signals,  # noqa: PLW1509  (no thread of the tests runs by then)
        cwd=Path(__file__).parents[2],
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "asking\n"
    return process


def default_signals() -> None:
    """Whoever runs the tests may ignore Ctrl-C, and children inherit that."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


@POSIX
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_the_solver(number: signal.Signals) -> None:
    with started(ASKING) as process:
        process.send_signal(number)
        _, said = process.communicate()
    assert process.returncode == 128 + number
    assert said.strip() == "interrupted"


@POSIX
def test_a_second_signal_waits_for_nothing() -> None:
    with started(STUBBORN) as process:
        assert process.stdout is not None
        process.send_signal(signal.SIGINT)
        assert process.stdout.readline() == "no\n"
        process.send_signal(signal.SIGINT)
        _, said = process.communicate()
    assert process.returncode == 130
    assert said == "interrupted\n"


INTERRUPTED_IMPORT = """
import os, signal, sys

class Finder:
    def find_spec(self, name, path, target=None):
        if name == "dirql.app.cli":
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Finder())
sys.argv = ["dirql", "--version"]
from dirql.app.entry import main
main()
"""


@POSIX
@pytest.mark.parametrize(("trap", "code"), [("trap - INT", -signal.SIGINT), ("trap '' INT", 0)])
def test_an_interrupt_while_modules_are_imported(trap: str, code: int) -> None:
    done = subprocess.run(
        ["bash", "-c", f'{trap}; exec "$0" -c "$1"', sys.executable, INTERRUPTED_IMPORT],
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=default_signals,
    )
    assert (done.returncode, done.stderr) == (code, "")
    assert bool(done.stdout) == (code == 0)


@POSIX
def test_what_is_ignored_stays_ignored() -> None:
    program = (
        "import signal; from dirql.app import interrupts; interrupts.listen();"
        "print(signal.getsignal(signal.SIGINT) == signal.SIG_IGN)"
    )
    done = subprocess.run(
        ["bash", "-c", 'trap "" INT; "$0" -c "$1"', sys.executable, program],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "True\n"
