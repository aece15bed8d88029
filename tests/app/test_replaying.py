"""Storing a trace with `dirql check --trace`, and `dirql replay`."""

import json
import os
import shutil
from pathlib import Path

import pytest

from dirql.app import toolbox, trace_file
from dirql.app.cli import run
from dirql.app.toolbox import InputError
from dirql.explorer.reference import ReferenceEngine
from dirql.model.expr import FALSE
from dirql.model.machine import Check, Machine

from .fakes import Workshop, scenario, step

TRACE = "trace.json"
NAME = "synchronize-on-dead-interrupt"


def make_reference(choice: toolbox.EngineChoice, question: str = "") -> ReferenceEngine:
    """The engine, whatever it is called."""
    del question
    assert choice.name in toolbox.ENGINES
    return ReferenceEngine()


@pytest.fixture
def real_engine(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> Workshop:
    """A machine whose only step breaks a rule, explored for real."""
    check = Check(
        NAME, FALSE, "KeSetEvent is called too late", "0xD1 DRIVER_IRQL_NOT_LESS_OR_EQUAL"
    )
    workshop.checks = (check,)
    monkeypatch.setattr(toolbox, "engine", make_reference)
    return workshop


@pytest.fixture
def stored(real_engine: Workshop, pattern: str, capsys: pytest.CaptureFixture[str]) -> Path:
    """The file of a trace."""
    arguments = ["--processors", "2", "--knob", "dpc_any_cpu=yes", "--trace", TRACE]
    assert run(["check", pattern, *arguments]) == 1
    assert f"{TRACE}: the trace of {pattern}" in capsys.readouterr().err
    return Path(TRACE)


def test_a_stored_trace_replays(stored: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["replay", str(stored)]) == 0
    out = capsys.readouterr().out
    assert f"replayed: {NAME}, after 1 step" in out
    assert "Start:7  KeSetEvent(self.event)" in out
    assert "0xD1" in out


def test_what_a_trace_file_says(stored: Path) -> None:
    content = json.loads(stored.read_text(encoding="utf-8"))
    assert content["dirql_trace_file"] == 1
    assert content["pattern"] == "fake.py"
    assert content["scenario"] == "holds"
    assert content["processors"] == 2
    assert content["knobs"] == {"dpc_any_cpu": "yes"}
    assert content["properties"] is None
    assert "version" in content["trace"]


def test_the_trace_of_a_changed_pattern(
    stored: Path, real_engine: Workshop, capsys: pytest.CaptureFixture[str]
) -> None:
    real_engine.steps = (step(7, "KeClearEvent(self.event)"),)
    assert run(["replay", str(stored)]) == 65
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "has changed since" in printed.err
    assert "hint: check the pattern again" in printed.err


def test_an_edited_trace(stored: Path, capsys: pytest.CaptureFixture[str]) -> None:
    content = json.loads(stored.read_text(encoding="utf-8"))
    content["trace"]["trace"]["steps"][0]["transition"] = 1
    stored.write_text(json.dumps(content), encoding="utf-8")
    assert run(["replay", str(stored)]) == 65
    assert "Traceback" not in capsys.readouterr().err


def test_the_pattern_is_found_beside_the_trace(stored: Path, tmp_path: Path) -> None:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    shutil.move(stored, folder / TRACE)
    shutil.move("fake.py", folder / "fake.py")
    assert run(["replay", str(folder / TRACE)]) == 0


def test_a_trace_replays_from_any_folder(
    real_engine: Workshop, pattern: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its pattern is looked for from where the trace lies."""
    assert real_engine
    there = tmp_path / "my traces" / "patterns"
    there.mkdir(parents=True)
    shutil.move(pattern, there / pattern)
    trace = there.parent / TRACE
    assert run(["check", str(there / pattern), "--processors", "2", "--trace", str(trace)]) == 1
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    assert run(["replay", str(trace)]) == 0
    monkeypatch.chdir(there.parent)
    assert run(["replay", TRACE]) == 0


def test_a_trace_stored_away_from_its_pattern_says_how_it_is_replayed(
    real_engine: Workshop, pattern: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert real_engine
    there = tmp_path / "my traces"
    there.mkdir()
    trace = str(there / TRACE)
    assert run(["check", pattern, "--processors", "2", "--trace", trace]) == 1
    assert f"dirql replay shows it again with --pattern {pattern}" in capsys.readouterr().err
    assert json.loads(Path(trace).read_text(encoding="utf-8"))["pattern"] == f"../{pattern}"
    assert run(["replay", trace]) == 65
    assert f"../{pattern} is outside the folder of the trace" in capsys.readouterr().err
    assert run(["replay", trace, "--pattern", pattern]) == 0


@pytest.mark.parametrize(
    "named",
    [
        "../elsewhere/evil.py",
        "{elsewhere}/evil.py",
        "reports/../../elsewhere/evil.py",
        "./../elsewhere/evil.py",
        "link.py",
        "folder/evil.py",
        "..\\elsewhere\\evil.py",
        "C:\\evil.py",
        "//server/share/evil.py",
        "folder",
        "pipe.py",
        "",
        ".",
        "a\0.py",
        "x" * 10_000,
        "/dev/stdin",
    ],
)
def test_a_trace_chooses_no_code(
    stored: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    named: str,
) -> None:
    elsewhere, reports = tmp_path / "elsewhere", tmp_path / "reports"
    elsewhere.mkdir()
    reports.mkdir()
    (elsewhere / "evil.py").write_text("raise SystemExit(0)\n", encoding="utf-8")
    (reports / "link.py").symlink_to(elsewhere / "evil.py")
    (reports / "folder").symlink_to(elsewhere)
    os.mkfifo(reports / "pipe.py")
    content = json.loads(stored.read_text(encoding="utf-8"))
    content["pattern"] = named.format(elsewhere=elsewhere)
    trace = reports / TRACE
    trace.write_text(json.dumps(content), encoding="utf-8")
    loaded: list[Path] = []
    monkeypatch.setattr(toolbox, "load", loaded.append)
    monkeypatch.chdir(elsewhere)
    assert run(["replay", str(trace)]) == 65
    said = capsys.readouterr().err
    assert "the folder of the trace" in said
    assert "--pattern PATH" in said
    assert loaded == []


@pytest.mark.parametrize("kind", ["folder", "pipe", "device", "huge", "nested"])
def test_what_is_no_file_of_a_trace(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / TRACE
    match kind:
        case "folder":
            path.mkdir()
        case "pipe":
            os.mkfifo(path)
        case "device":
            path = Path("/dev/zero")
        case "huge":
            monkeypatch.setattr(trace_file, "MOST_BYTES", 10)
            path.write_text("x" * 11, encoding="utf-8")
        case _:
            path.write_text("[" * 200_000, encoding="utf-8")
    assert run(["replay", str(path)]) == (64 if kind == "folder" else 65)
    assert "Traceback" not in capsys.readouterr().err


def test_a_hint_quotes_paths_with_spaces(
    stored: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    there = tmp_path / "my traces"
    there.mkdir()
    shutil.move(stored, there / TRACE)
    Path("fake.py").unlink()
    assert run(["replay", str(there / TRACE)]) == 65
    assert f'dirql replay "{there / TRACE}" --pattern PATH' in capsys.readouterr().err


def test_the_pattern_is_where_the_user_says(
    stored: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.move("fake.py", "moved.py")
    assert run(["replay", str(stored)]) == 65
    assert "--pattern PATH" in capsys.readouterr().err
    assert run(["replay", str(stored), "--pattern", "moved.py"]) == 0


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{}",
        '{"dirql_trace_file": 2}',
        '{"dirql_trace_file": 1}',
        (
            '{"dirql_trace_file": 1, "pattern": "a.py", "scenario": "s", "processors": 1, '
            '"knobs": {}, "properties": null, "trace": {}}'
        ),
        "\udcff",
    ],
)
def test_a_damaged_file(
    workshop: Workshop, pattern: str, capsys: pytest.CaptureFixture[str], content: str
) -> None:
    Path(TRACE).write_text(content, encoding="utf-8", errors="surrogateescape")
    assert run(["replay", TRACE]) == 65
    assert capsys.readouterr().err.startswith(TRACE)


def test_a_damaged_file_as_an_exception(tmp_path: Path) -> None:
    file = tmp_path / TRACE
    file.write_text("{", encoding="utf-8")
    with pytest.raises(InputError, match="not a trace file of dirql"):
        trace_file.read(file)


def test_knobs_of_another_version(stored: Path, capsys: pytest.CaptureFixture[str]) -> None:
    content = json.loads(stored.read_text(encoding="utf-8"))
    content["knobs"] = {"long_gone": "yes"}
    stored.write_text(json.dumps(content), encoding="utf-8")
    assert run(["replay", str(stored)]) == 65
    assert "long_gone" in capsys.readouterr().err


def test_properties_of_another_version(stored: Path, capsys: pytest.CaptureFixture[str]) -> None:
    content = json.loads(stored.read_text(encoding="utf-8"))
    content["properties"] = ["long-gone"]
    stored.write_text(json.dumps(content), encoding="utf-8")
    assert run(["replay", str(stored)]) == 65
    assert "long-gone" in capsys.readouterr().err


@pytest.mark.parametrize("number", [0, -1, 9, 101, 10**30, True, False, None, "2", 2.0, [1]])
def test_processors_are_those_of_the_command_line(
    stored: Path, capsys: pytest.CaptureFixture[str], number: object
) -> None:
    """Time and memory for compiling grow with them, so they are looked at before anything else."""
    content = json.loads(stored.read_text(encoding="utf-8"))
    stored.write_text(json.dumps(content | {"processors": number}), encoding="utf-8")
    assert run(["replay", str(stored)]) == 65
    said = capsys.readouterr().err
    assert said.startswith(f"{TRACE}: processors must be 1 to 8, not {json.dumps(number)}")
    assert "hint: " in said


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"knobs": {"dpc_any_cpu": "perhaps"}}, "it takes no, yes"),
        ({"knobs": {"dpc_any_cpu": 1}}, "Expected `str`"),
        ({"knobs": []}, "Expected `object`"),
        ({"properties": []}, "names no properties"),
        ({"properties": "data-race"}, "Expected `array | null`"),
        ({"scenario": "elsewhere"}, "no scenario 'elsewhere'"),
        ({"more": 1}, "unknown field `more`"),
    ],
)
def test_values_no_dirql_writes(
    stored: Path, capsys: pytest.CaptureFixture[str], change: dict[str, object], words: str
) -> None:
    content = json.loads(stored.read_text(encoding="utf-8"))
    stored.write_text(json.dumps(content | change), encoding="utf-8")
    assert run(["replay", str(stored)]) == 65
    said = capsys.readouterr().err
    assert said.startswith(f"{TRACE}: ")
    assert words in said


@pytest.mark.parametrize(
    "change",
    [
        {"transition": 10**9},
        {"transition": -1},
        {"transition": "0"},
        {"irql": 31},
        {"irql": None},
        {"context": "nobody"},
        {"changes": [["x", 1]]},
        {"more": 1},
    ],
)
def test_a_refused_step_is_named(
    stored: Path, capsys: pytest.CaptureFixture[str], change: dict[str, object]
) -> None:
    content = json.loads(stored.read_text(encoding="utf-8"))
    content["trace"]["trace"]["steps"][0].update(change)
    stored.write_text(json.dumps(content), encoding="utf-8")
    assert run(["replay", str(stored)]) == 65
    said = capsys.readouterr().err
    assert said.startswith(f"{TRACE}: ")
    assert "step 1" in said


@pytest.mark.parametrize("text", ["[" * 100_000, '{"dirql_trace_file": 1, "trace": ' + "[" * 5_000])
def test_a_file_nested_without_end(
    workshop: Workshop, pattern: str, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    Path(TRACE).write_text(text, encoding="utf-8")
    assert run(["replay", TRACE]) == 65
    assert capsys.readouterr().err.startswith(TRACE)


def test_nothing_is_stored_where_nothing_is_violated(
    workshop: Workshop, pattern: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["check", pattern, "--trace", TRACE]) == 0
    assert "was not written" in capsys.readouterr().err
    assert not Path(TRACE).exists()


def test_only_the_first_trace_is_stored(
    real_engine: Workshop, pattern: str, capsys: pytest.CaptureFixture[str]
) -> None:
    real_engine.scenarios = (scenario("holds"), scenario("other"))
    assert run(["check", pattern, "--trace", TRACE]) == 1
    assert "(3 more not stored)" in capsys.readouterr().err
    assert json.loads(Path(TRACE).read_text(encoding="utf-8"))["scenario"] == "holds"


def test_digests_are_the_models(real_engine: Workshop, pattern: str) -> None:
    machine: Machine = real_engine.machine("holds/1/")
    assert len(toolbox.digest(machine)) == 64
