"""Files as editors and strangers leave them: encodings, marks, pipes, names that are not UTF-8."""

import codecs
import json
import os
import shutil
from pathlib import Path

import pytest

from dirql.app.cli import run
from dirql.app.questions import forget_patterns
from dirql.model.language import PatternError, load_pattern, source

ROOT = Path(__file__).resolve().parents[2]
PATTERN = ROOT / "patterns" / "parport_double_connect_fixed.py"
TEXT = PATTERN.read_text(encoding="utf-8")

GOOD: dict[str, bytes] = {
    "mark": codecs.BOM_UTF8 + TEXT.encode(),
    "mark and cookie": codecs.BOM_UTF8 + b"# -*- coding: utf-8 -*-\n" + TEXT.encode(),
    "mark and CRLF": codecs.BOM_UTF8 + TEXT.replace("\n", "\r\n").encode(),
    "CRLF": TEXT.replace("\n", "\r\n").encode(),
    "CR": TEXT.replace("\n", "\r").encode(),
    "latin-1": f"# coding: latin-1\n# für\n{TEXT}".encode("latin-1"),
    "cp1252 in the second line": (
        f"#!/usr/bin/python\n# vim: fileencoding=cp1252\n# \u2013 für\n{TEXT}".encode("cp1252")
    ),
    "shift_jis": f"# -*- coding: shift_jis -*-\n# 漢字\n{TEXT}".encode("shift_jis"),
    "no line end": TEXT.rstrip().encode(),
    "a cookie too late": f"\n\n# coding: utf-7\n{TEXT}".encode(),
}
BAD: dict[str, tuple[bytes, str]] = {
    "UTF-16": (TEXT.encode("utf-16"), "UTF-16 text"),
    "UTF-16 BE": (codecs.BOM_UTF16_BE + TEXT.encode("utf-16-be"), "UTF-16 text"),
    "UTF-16 without a mark": (TEXT.encode("utf-16-le"), "looks like UTF-16"),
    "UTF-32": (TEXT.encode("utf-32"), "UTF-32 text"),
    "latin-1": (TEXT.encode() + b"# f\xfcr\n", "not UTF-8 text"),
    "utf-7": (b"# coding: utf-7\n" + TEXT.encode(), "its encoding is utf-7"),
    "escapes": (b"# coding: unicode_escape\n" + TEXT.encode(), "its encoding is unicode_escape"),
    "unknown": (b"# coding: klingon\n" + TEXT.encode(), "its encoding is klingon"),
    "not what it says": (b"# coding: ascii\n" + TEXT.encode() + b"# \xff", "not UTF-8 text"),
    "mark and another": (codecs.BOM_UTF8 + b"# coding: cp1252\n", "says it is cp1252"),
    "zero": (TEXT.encode() + b"x = '\0'\n", "a zero byte"),
    "empty": (b"", "there is no driver"),
    "only a mark": (codecs.BOM_UTF8, "there is no driver"),
    "half a character": (TEXT.encode() + b"x = '\\ud800'\n", "half a character"),
}


@pytest.mark.parametrize("kind", GOOD)
def test_what_editors_write(kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "x.py"
    path.write_bytes(GOOD[kind])
    assert run(["check", str(path)]) == 0, capsys.readouterr().err
    program = load_pattern(path).program
    assert [item.name for item in program.routines] == [
        item.name for item in load_pattern(PATTERN).program.routines
    ]


@pytest.mark.parametrize("kind", BAD)
def test_what_cannot_be_read(kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    content, said = BAD[kind]
    path = tmp_path / "x.py"
    path.write_bytes(content)
    assert run(["check", str(path)]) == 65
    err = capsys.readouterr().err
    assert said in err
    assert "hint: " in err
    assert err.startswith(f"{path}")


def test_an_unknown_property_in_a_file_that_is_not_utf8(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "x.py"
    changed = TEXT.replace("scenario = Scenario(", 'scenario = Scenario(properties=["x"], ')
    assert changed != TEXT
    path.write_bytes(f"# coding: cp1252\n# für\n{changed}".encode("cp1252"))
    assert run(["check", str(path)]) == 65
    assert "there is no property 'x'" in capsys.readouterr().err


@pytest.mark.parametrize("kind", ["pipe", "device", "socket", "large", "dangling"])
def test_what_is_no_file(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "x.py"
    match kind:
        case "pipe":
            os.mkfifo(path)
        case "device":
            path.symlink_to("/dev/zero")
        case "socket":
            os.mknod(path, 0o140600)
        case "large":
            monkeypatch.setattr(source, "MOST_BYTES", len(TEXT))
            path.write_text(TEXT + "#", encoding="utf-8")
        case _:
            path.symlink_to("nowhere")
    shutil.copy(PATTERN, tmp_path / "good.py")
    assert run(["check", str(tmp_path)]) == 65
    printed = capsys.readouterr()
    assert f"{path}: DQ101 the file cannot be read" in printed.err
    assert "holds" in printed.out
    with pytest.raises(PatternError):
        load_pattern(path)


@pytest.mark.parametrize("arguments", [[], ["--format", "json"], ["--jobs", "2"], ["--expect"]])
def test_a_name_that_is_not_utf8(
    arguments: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DIRQL_CACHE_DIR", str(tmp_path / "cache"))
    folder = tmp_path / "patterns"
    folder.mkdir()
    shutil.copy(PATTERN, folder / os.fsdecode(b"a\xffb.py"))
    shutil.copy(PATTERN, folder / "good.py")
    for _ in range(2):
        assert run(["check", *arguments, str(folder)]) == 0
        printed = capsys.readouterr()
        assert printed.err == ""
        assert "good.py" in printed.out
        printed.out.encode()
        if arguments == ["--format", "json"]:
            first = json.loads(printed.out.splitlines()[0])
            assert first["pattern"] == f"{folder}/a\\xffb.py"
        else:
            assert "a\\xffb.py" in printed.out


def test_all_that_can_be_asked_of_a_name_that_is_not_utf8(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DIRQL_CACHE_DIR", str(tmp_path / "cache"))
    name = os.fsdecode(b"a\xffb.py")
    shutil.copy(ROOT / "patterns" / "parport_double_connect.py", name)
    assert run(["check", name, "--trace", "t.json", "--checkpoint", "kept"]) == 1
    assert "with --pattern $'a\\xffb.py'" in capsys.readouterr().err
    assert run(["replay", "t.json"]) == 65
    assert "a\\xffb.py is not in the folder of the trace" in capsys.readouterr().err
    assert run(["replay", "t.json", "--pattern", name]) == 0
    for command in (["show", "machine"], ["show", "routines"], ["warm"]):
        assert run([*command, name]) == 0
    assert run(["prove", name, "--processors", "1", "--property", "irql-too-high"]) in (0, 2)
    bad = os.fsdecode(b"t\xff.json")
    assert run(["check", name, "--trace", bad]) == 1
    assert run(["replay", bad, "--pattern", name]) == 0
    Path(name).write_text("x", encoding="utf-8")
    forget_patterns()
    assert run(["check", name]) == 65
    assert run(["replay", bad, "--pattern", name]) == 65
    printed = capsys.readouterr()
    (printed.out + printed.err).encode()
