"""`dirql check` with a cache, `dirql cache`, `dirql warm`: real patterns, real engines."""

import os
import subprocess
import sys
from dataclasses import fields, is_dataclass
from enum import Enum
from pathlib import Path
from typing import Any, cast

import pytest

from dirql.app import questions
from dirql.app.answers import concrete
from dirql.app.cli import run
from dirql.app.questions import Options, Question
from dirql.app.remembered import Memory
from dirql.app.toolbox import EngineChoice
from dirql.explorer.storage import Kind, Storage
from dirql.model.language import load_pattern

from .fakes import checks

PATTERNS = Path(__file__).parents[2] / "patterns"
HOLDS, VIOLATED = PATTERNS / "pcidrv_stop_fixed.py", PATTERNS / "pcidrv_stop.py"
NEEDS_KNOB = PATTERNS / "hdaudbus_two_dpcs.py"
Record = dict[str, Any]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The cache folder; nothing is in it yet."""
    questions.forget_patterns()
    monkeypatch.setenv("DIRQL_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


def records(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[Record]:
    """What `dirql check` says, as JSON."""
    run(["check", "--format", "json", *arguments])
    return checks(capsys.readouterr().out)


def timeless(found: list[Record]) -> list[Record]:
    return [{**item, "seconds": 0, "cached": 0} for item in found]


def without_cached(found: list[Record]) -> list[Record]:
    return [{key: value for key, value in item.items() if key != "cached"} for item in found]


@pytest.mark.parametrize("path", [HOLDS, VIOLATED, NEEDS_KNOB], ids=lambda path: path.stem)
def test_the_second_answer_is_the_first(
    path: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Seconds included: they are those of the search."""
    first = records(capsys, str(path))
    again = records(capsys, str(path))
    assert not any(item["cached"] for item in first)
    assert all(item["cached"] for item in again)
    assert without_cached(again) == without_cached(first)


def test_text_says_where_an_answer_comes_from(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shown: list[str] = []
    for _ in range(2):
        run(["check", str(VIOLATED), "--processors", "2"])
        shown.append(capsys.readouterr().out)
    assert "reference engine\n" in shown[0]
    assert shown[1] == shown[0].replace("reference engine", "reference engine, from the cache")


def test_no_cache_neither_reads_nor_writes(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    records(capsys, str(HOLDS), "--no-cache", "--engine", "native")
    assert not folder.exists()
    records(capsys, str(HOLDS))
    assert not any(item["cached"] for item in records(capsys, str(HOLDS), "--no-cache"))


def test_each_engine_answers_for_itself(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for engine in ("reference", "native", "auto"):
        arguments = (str(HOLDS), "--engine", engine, "--processors", "1")
        (first,) = records(capsys, *arguments)
        assert not first["cached"]
        (again,) = records(capsys, *arguments)
        assert again["cached"]
        assert again["engine"] == ("reference" if engine == "auto" else engine)


@pytest.mark.parametrize(
    "options",
    [
        ["--processors", "1"],
        ["--knob", "out_pointer_before_arm=no"],
        ["--property", "stuck-context"],
    ],
)
def test_another_question_has_another_answer(
    folder: Path, capsys: pytest.CaptureFixture[str], options: list[str]
) -> None:
    records(capsys, str(HOLDS), "--processors", "2")
    found = records(capsys, str(HOLDS), *options)
    assert found == [
        {**item, "seconds": there["seconds"]}
        for item, there in zip(
            records(capsys, str(HOLDS), *options, "--no-cache"), found, strict=True
        )
    ]


def test_what_a_limit_stopped_is_asked_again(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (cut,) = records(capsys, str(HOLDS), "--processors", "2", "--max-states", "10")
    assert (cut["verdict"], cut["cached"]) == ("unknown", False)
    (whole,) = records(capsys, str(HOLDS), "--processors", "2")
    assert (whole["verdict"], whole["cached"]) == ("holds", False)
    (known,) = records(capsys, str(HOLDS), "--processors", "2", "--max-states", "10")
    assert (known["verdict"], known["cached"]) == ("holds", True)


PATTERN = '''"""A device and its driver; how often it may ring is written elsewhere."""
from pathlib import Path

from dirql.model.wdk import *

MOST = int(Path(__file__).with_name("most.txt").read_text())


class Bell(Device):
    rung = Bit(0)

    def line(self):
        return self.rung

    @hardware
    def rings(self):
        self.rung = 1


class Doorman(Driver):
    bell = Bell(Line(irql=7, mode=LevelSensitive))
    Interrupt = PKINTERRUPT()
    count = Int(0, 9)

    def StartDevice(self):
        IoConnectInterrupt(self.Interrupt, self.Isr)

    def Isr(self, Interrupt, ServiceContext):
        self.bell.rung = 0
        if self.count < MOST:
            self.count += 1
        assert self.count < 3
        return TRUE


scenario = Scenario(
    start=Doorman.StartDevice, processors=[1], properties=["assertion-failed"]
)
'''


def test_a_pattern_that_reads_another_file(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same text means another machine when that file changes."""
    path, most = tmp_path / "doorman.py", tmp_path / "most.txt"
    path.write_text(PATTERN, encoding="utf-8")
    expected = ((2, "holds", False), (3, "violated", False), (2, "holds", True))
    for number, verdict, cached in expected:
        most.write_text(str(number), encoding="utf-8")
        questions.forget_patterns()
        (found,) = records(capsys, str(path), "--run-module")
        assert (found["verdict"], found["cached"]) == (verdict, cached), capsys.readouterr().err


def test_a_remembered_trace_has_the_lines_of_the_pattern_at_hand(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A copy of the pattern is the same machine; what is shown is the copy."""
    records(capsys, str(VIOLATED), "--processors", "2")
    copy, trace = tmp_path / "copy.py", tmp_path / "trace.json"
    copy.write_text(VIOLATED.read_text(encoding="utf-8"), encoding="utf-8")
    (found,) = records(capsys, str(copy), "--processors", "2", "--trace", str(trace))
    assert found["cached"]
    written = trace.read_text(encoding="utf-8")
    assert str(copy) in written
    assert str(VIOLATED) not in written
    assert run(["replay", str(trace)]) == 0


def entries(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.suffix in (".answer", ".verdict"))


@pytest.mark.parametrize("path", [HOLDS, VIOLATED], ids=lambda path: path.stem)
def test_damaged_entries_change_nothing(
    path: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = (str(path), "--processors", "2")
    first = records(capsys, *arguments)
    assert len(entries(folder)) == 2
    for number in range(2):
        for keep, more in ((-1, b""), (0, b""), (-2, b"x}")):
            damaged = entries(folder)[number]
            damaged.write_bytes(damaged.read_bytes()[:keep] + more)
            assert timeless(records(capsys, *arguments)) == timeless(first)
            assert all(item["cached"] for item in records(capsys, *arguments))


def test_every_part_of_a_program_shows_in_its_key() -> None:
    """The key of a question is a hash of `repr`: nothing may hide from it, or differ by chance."""

    def look(value: object) -> None:
        if isinstance(value, str | int | None):
            return
        if isinstance(value, tuple):
            for item in cast("tuple[object, ...]", value):
                look(item)
        elif isinstance(value, Enum):
            pass
        else:
            assert is_dataclass(value)
            assert not isinstance(value, type)
            assert "__repr__" in vars(type(value))  # its own, and of the decorator's making:
            assert repr(value).startswith(f"{type(value).__qualname__}({fields(value)[0].name}=")
            for item in fields(value):
                assert item.repr, item
                look(getattr(value, item.name))

    for path in sorted(PATTERNS.glob("*.py")):
        pattern = load_pattern(path)
        look(pattern.program)
        look(pattern.scenarios)


def test_a_key_is_the_same_in_another_process(tmp_path: Path) -> None:
    program = (
        "import sys; from dirql.app.answers import concrete; "
        "from dirql.app.questions import Options, Question; "
        "from dirql.app.remembered import Memory; from dirql.app.toolbox import EngineChoice; "
        "from dirql.explorer.storage import Storage; from pathlib import Path; "
        "asked = concrete(Question(sys.argv[1], 'scenario', 2, Options())); "
        "memory = Memory(Storage(Path('x')), EngineChoice()); "
        "print(memory.key(asked, compare_knobs=True).hex())"
    )
    keys = {
        subprocess.run(
            [sys.executable, "-c", program, str(NEEDS_KNOB)],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    asked = concrete(Question(str(NEEDS_KNOB), "scenario", 2, Options()))
    memory = Memory(Storage(tmp_path), EngineChoice())
    assert keys == {memory.key(asked, compare_knobs=True).hex() + "\n"}
    assert keys != {memory.key(asked, compare_knobs=False).hex() + "\n"}


def test_parallel_cold_starts(folder: Path) -> None:
    command = [sys.executable, "-c", "from dirql.app.cli import main; main()"]
    arguments = ["check", "--format", "json", "--engine", "native", str(HOLDS), str(VIOLATED)]
    running = [
        subprocess.Popen([*command, *arguments], stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    outputs = [process.communicate()[0] for process in running]
    assert [process.returncode for process in running] == [1, 1, 1]
    found = [
        [{**record, "seconds": 0, "cached": 0} for record in checks(output)] for output in outputs
    ]
    assert found[0] == found[1] == found[2]
    assert len(found[0]) == 4
    assert Storage(folder).contents(Kind.VERDICT).entries == 4


def test_jobs_share_the_cache(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = records(capsys, str(HOLDS), str(VIOLATED), "--jobs", "2")
    again = records(capsys, str(HOLDS), str(VIOLATED), "--jobs", "2")
    assert all(item["cached"] for item in again)
    assert without_cached(again) == without_cached(first)


def test_info_and_clear(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["cache", "info"]) == 0
    assert "verdicts: 0, 0 bytes" in capsys.readouterr().out
    records(capsys, str(HOLDS), "--engine", "native")
    assert run(["cache", "info"]) == 0
    shown = capsys.readouterr().out
    assert shown.splitlines()[0] == str(folder)
    for words in ("compiled machines: 2, ", "verdicts: 2, ", "answers about patterns: 2, "):
        assert words in shown
    assert run(["cache", "clear"]) == 0
    assert capsys.readouterr().out == f"{folder}: 6 entries removed\n"
    assert not list(folder.iterdir())


@pytest.mark.skipif(sys.platform == "win32", reason="permissions are access lists there")
def test_info_says_when_a_folder_is_not_used(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder.mkdir(mode=0o755)
    run(["cache", "info"])
    assert f"chmod 700 {folder}" in capsys.readouterr().out
    records(capsys, str(HOLDS))
    assert not list(folder.iterdir())


def test_no_place_for_a_cache(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DIRQL_CACHE_DIR", "")
    for command in (["cache", "info"], ["cache", "clear"]):
        assert run(command) == 0
        assert "set DIRQL_CACHE_DIR" in capsys.readouterr().out
    assert run(["warm", str(HOLDS)]) == 64
    assert "set DIRQL_CACHE_DIR" in capsys.readouterr().err
    assert not any(item["cached"] for _ in range(2) for item in records(capsys, str(HOLDS)))


def test_warm(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["warm", str(HOLDS), str(VIOLATED)]) == 0
    out = capsys.readouterr().out
    assert out.startswith(f"{folder}: 4 machines compiled in ")
    assert Storage(folder).contents(Kind.CODE).entries == 4
    assert run(["warm", str(HOLDS), "--processors", "2", "--processors", "3"]) == 0
    assert "1 machine compiled in " in (out := capsys.readouterr().out)
    assert out.endswith(", 1 was there\n")
    before = Storage(folder).contents(Kind.CODE).entries
    records(capsys, str(HOLDS), "--engine", "native")
    assert Storage(folder).contents(Kind.CODE).entries == before


def test_warm_complains_about_what_is_no_pattern(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "broken.py").write_text("no pattern\n", encoding="utf-8")
    assert run(["warm", str(tmp_path / "broken.py")]) == 65
    assert "DQ102" in capsys.readouterr().err
