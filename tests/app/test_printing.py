"""What a pattern, a trace or a name holds can be seen on a terminal, and does nothing there."""

import ast
import json
import sys
import unicodedata
from pathlib import Path

import click
import pytest

from dirql.app import printing
from dirql.app.arguments import quoted
from dirql.app.cli import run
from dirql.app.questions import forget_patterns
from dirql.model.language import PatternError
from dirql.model.visible import UNSEEN, one_line, visible

APP = Path(printing.__file__).parent
NASTY = (
    "\x1b[2J\x1b[H\x1b]0;t\x07\x9b31m\x7f\u202eabc\u2066\u2069\u200f\u061c\u2028\u2029\x85\x0b\x0c"
)
DRIVER = """from dirql.model.wdk import *


class D(Driver):
    x = Int(0, 3)

    def Start(self):
        {statement}


scenario = Scenario(start=D.Start, processors=[1], name={name!r})
"""


def acts(text: str) -> set[str]:
    """The characters of `text` that do something instead of being shown."""
    return {
        letter
        for letter in text
        if letter not in "\n\t" and unicodedata.category(letter) in ("Cc", "Cf", "Cs", "Zl", "Zp")
    }


def written(tmp_path: Path, statement: str, name: str = "once") -> str:
    """The path of a pattern."""
    path = tmp_path / "x.py"
    path.write_text(DRIVER.format(statement=statement, name=name), encoding="utf-8")
    return str(path)


def test_every_character_that_acts_is_escaped() -> None:
    for number in range(sys.maxunicode + 1):
        letter = chr(number)
        if acts(letter):
            assert UNSEEN.match(letter), hex(number)
            assert visible(letter).isascii()
            assert visible(letter).isprintable()
    assert one_line("a\r\n\tb") == r"a\r\n\tb"
    assert visible("a\n\tb \u2013 ü 漢") == "a\n\tb \u2013 ü 漢"
    assert visible(visible(NASTY)) == visible(NASTY)


def test_only_our_colours_are_colours() -> None:
    ours = printing.paint("violated", "red", bold=True)
    forged = click.style("holds", fg="green") + "\x1b<0123456789abcdef>[32m"
    shown = printing.shown(ours + forged)
    assert shown.startswith(click.style("violated", fg="red", bold=True))
    assert "\x1b" not in shown.removeprefix(click.style("violated", fg="red", bold=True))


@pytest.mark.parametrize("form", ["text", "json"])
@pytest.mark.parametrize("terminal", ["", "yes"])
def test_a_message_cannot_act(
    form: str,
    terminal: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if terminal:
        monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    path = written(
        tmp_path, f"assert self.x == 1, {NASTY + 'x.py  s  1 processor  holds'!r}", NASTY
    )
    assert run(["check", path, "--format", form, "--trace", str(tmp_path / "t.json")]) == 1
    printed = capsys.readouterr()
    assert not acts(click.unstyle(printed.out)) - ({"\x1b"} if terminal else set())
    assert "\x1b[2J" not in printed.out
    assert not acts(printed.err)
    if form == "json":
        assert json.loads(printed.out.splitlines()[0])["scenario"] == NASTY
    assert run(["replay", str(tmp_path / "t.json")]) == 0
    assert not acts(click.unstyle(capsys.readouterr().out))


def test_source_text_cannot_act(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A comment with an override makes a line look like another one."""
    path = written(tmp_path, "self.x = 2  # \u202e1 = x.fles \u2066\n        assert self.x == 1")
    for arguments in (["check"], ["show", "routines"], ["show", "machine"]):
        run([*arguments, path])
        printed = capsys.readouterr()
        assert not acts(printed.out + printed.err)
        if arguments == ["check"]:
            assert r"\u202e1 = x.fles \u2066" in printed.out


def test_a_name_begins_no_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(tmp_path, "assert self.x == 1", "a\nother.py  scenario  1 processor  holds\n")
    assert run(["check", path]) == 1
    assert not [line for line in capsys.readouterr().out.splitlines() if line.startswith("other")]


def test_carets_line_up_under_escapes_and_wide_letters() -> None:
    for before in ("\x1b[2J", "\u202e", "漢字", "\tx = ", "é", "e\u0301"):
        text = f"    s = '{before}' + unknown_name"
        column = text.index("unknown") + 1
        error = PatternError("m", "f.py", 1, column, text, "", "DQ112")
        _, line, caret = str(error).splitlines()
        prefix = line[: line.index("unknown_name")]
        wide = sum(unicodedata.east_asian_width(letter) == "W" for letter in prefix)
        marks = sum(bool(unicodedata.combining(letter)) for letter in prefix)
        assert caret.index("^") == len(prefix) + wide - marks
        assert not acts(str(error))


def test_names_of_files_cannot_act(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    name = f"a{NASTY}\nb.py"
    Path(written(tmp_path, "self.x = 1")).rename(name)
    for arguments in (["check", name], ["check", "."], ["check", "--format", "json", "."]):
        assert run(arguments) == 0
        printed = capsys.readouterr()
        assert not acts(printed.out + printed.err)
        assert not [line for line in printed.out.splitlines() if line.startswith("b.py")]
    assert run(["check", f"no{name}"]) == 64
    assert not acts(capsys.readouterr().err)
    forget_patterns()
    Path(name).write_text("class D(Driver): pass\n1 +* 2", encoding="utf-8")
    assert run(["check", name]) == 65
    assert not acts(capsys.readouterr().err)


def test_arguments_cannot_act(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(tmp_path, "self.x = 1")
    for arguments in (
        ["check", path, "--property", NASTY],
        ["check", path, f"--{NASTY}"],
        ["show", "machine", path, "--scenario", NASTY],
        ["explain", NASTY],
        [NASTY],
    ):
        assert run(arguments) == 64
        assert not acts(capsys.readouterr().err)


def test_a_stored_trace_is_safe_to_look_at(tmp_path: Path) -> None:
    path = written(tmp_path, f"assert self.x == 1, {NASTY!r}  # \u202e\u0085\x7f", NASTY)
    trace = tmp_path / "t.json"
    assert run(["check", path, "--trace", str(trace)]) == 1
    text = trace.read_text(encoding="utf-8")
    assert not acts(text)
    assert json.loads(text)["scenario"] == NASTY
    assert run(["replay", str(trace)]) == 0


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("a.py", "a.py"),
        ("a b.py", '"a b.py"'),
        ("C:\\a b.py", '"C:\\a b.py"'),
        ("a;b.py", "'a;b.py'"),
        ("$(b) c.py", "'$(b) c.py'"),
        ('a"b.py', "'a\"b.py'"),
        ("it's.py", "'it'\"'\"'s.py'"),
        ("a\x1b'.py", r"$'a\x1b\'.py'"),
        ("a\n\\.py", r"$'a\n\\.py'"),
    ],
)
def test_a_path_in_a_hint_is_one_word(name: str, shown: str) -> None:
    assert quoted(Path(name)) == shown


def test_a_long_line_is_shown_around_the_place() -> None:
    text = f"x = {'1 + ' * 1000}unknown{' + 1' * 1000}"
    error = PatternError("m", "f.py", 1, text.index("unknown") + 1, text, "", "DQ112")
    _, line, caret = str(error).splitlines()
    assert len(line) < 400
    assert line[caret.index("^") :].startswith("unknown")
    first = PatternError("m", "f.py", 1, 1, text, "", "DQ112")
    _, line, caret = str(first).splitlines()
    assert line[caret.index("^") :].startswith("x = 1")


def test_nothing_is_printed_elsewhere() -> None:
    """One border: whoever prints otherwise goes round it."""
    for file in APP.glob("*.py"):
        if file.name == "printing.py":
            continue
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            match node:
                case ast.Call(func=ast.Name(id="print")):
                    raise AssertionError(file)
                case ast.Attribute(value=ast.Name(id="click"), attr="echo" | "secho" | "style"):
                    raise AssertionError(file)
                case _:
                    pass
