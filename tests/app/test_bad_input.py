"""Whatever a file holds, the answer is a message with a place, never a traceback."""

from pathlib import Path

import pytest

from dirql.app.cli import run

ROOT = Path(__file__).resolve().parents[2]
PATTERN = ROOT / "patterns" / "pcidrv_stop.py"

DRIVER = """from dirql.model.wdk import *


class Drv(Driver):
    x = Int(0, 3)

    def Start(self):
        self.x = 1


"""

FILES: dict[str, bytes] = {
    "empty": b"",
    "blank lines": b"\n" * 1000,
    "null": b"\0",
    "not UTF-8": b"\xff\xfe\x00",
    "every byte": bytes(range(255, -1, -1)),
    "JSON object": b'{"pattern": "x.py"}',
    "JSON list": b"[]",
    "trace file": b'{"dirql_trace_file": 1}',
    "a number": b"1",
    "brackets": b"(" * 5000,
    "half a function": b"def f(:",
    "driver unknown": b"class D(Driver): pass",
    "exit": b"import sys; sys.exit(0)",
    "generator exit": b"raise GeneratorExit",
    "base exception": b"raise BaseException('x')",
    "endless recursion": b"def f(): f()\nf()",
    "empty domain": DRIVER.replace("Int(0, 3)", "Int(3, 0)").encode(),
}

SCENARIOS: dict[str, tuple[str, str]] = {
    'scenario = Scenario(Drv.Start, properties=["data-rase"])': ('"data-rase"', "data-race?"),
    'scenario = Scenario(Drv.Start, knobs={"dpc_any": "yes"})': ('"dpc_any"', "dpc_any_cpu?"),
    'scenario = Scenario(Drv.Start, knobs={"dpc_any_cpu": "y"})': ('"y"', "dirql explain"),
    'scenario = Scenario(Drv.Start, expect=Violated("lock-cycl"))': ('"lock-cycl"', "lock-cycle?"),
    'scenario = Scenario(\n    Drv.Start,\n    properties=["x"],\n)': ('"x"', "dirql rules"),
    'scenario = Scenario(Drv.Start)\nexpect = Violated("x")': ('"x"', "dirql rules"),
}


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("command", [["check"], ["show", "machine"], ["show", "routines"]])
def test_what_is_no_pattern(
    name: str, command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "file.py"
    path.write_bytes(FILES[name])
    assert run([*command, str(path)]) == 65
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith(f"{path}:")
    assert "hint: " in printed.err
    assert "Traceback" not in printed.err


@pytest.mark.parametrize("name", FILES)
def test_what_is_no_trace(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "trace.json"
    path.write_bytes(FILES[name])
    assert run(["replay", str(path)]) == 65
    assert capsys.readouterr().err.startswith(f"{path}:")


@pytest.mark.parametrize("text", SCENARIOS)
def test_unknown_names_in_a_scenario(
    text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    word, hint = SCENARIOS[text]
    path = tmp_path / "drv.py"
    path.write_text(DRIVER + text + "\n", encoding="utf-8")
    assert run(["check", str(path)]) == 65
    place, line, caret, said = capsys.readouterr().err.splitlines()
    assert place.startswith(f"{path}:")
    assert line[caret.index("^") :].startswith(word)
    assert hint in said


def test_a_truncated_pattern(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = PATTERN.read_text(encoding="utf-8")
    for length in range(0, text.index("scenario = "), 97):
        path = tmp_path / f"cut_{length}.py"
        path.write_text(text[:length], encoding="utf-8")
        assert run(["check", str(path)]) == 65, length
        assert capsys.readouterr().err.startswith(f"{path}:")


def test_a_damaged_pattern(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One letter more somewhere: an answer or a message."""
    text = PATTERN.read_text(encoding="utf-8")
    letters = '()=.:,+-*0 9x"'
    for number in range(60):
        place = number * 7919 % len(text)
        letter = letters[number % len(letters)]
        path = tmp_path / f"damaged_{number}.py"
        path.write_text(text[:place] + letter + text[place:], encoding="utf-8")
        assert run(["check", str(path), "--max-states", "100"]) in (0, 1, 2, 65), number
        assert "Traceback" not in capsys.readouterr().err


def test_folders(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["check", str(tmp_path)]) == 64
    (tmp_path / "folder.py").mkdir()
    assert run(["check", str(tmp_path)]) == 65
    assert "DQ101 the file cannot be read" in capsys.readouterr().err
    assert run(["replay", str(tmp_path)]) == 64
