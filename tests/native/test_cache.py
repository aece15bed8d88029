"""Compiled code on disk: found again when it is sound, never trusted when it is not."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from dirql.explorer.native import Cache, NativeEngine
from dirql.explorer.native.cache import default_cache
from dirql.explorer.verdict import Holds

from ..models import peterson

CODE = b"some code"


class Maker:
    """Makes code and counts how often."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, text: str) -> bytes:
        self.calls += 1
        return CODE + text.encode()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def entry(folder: Path) -> Path:
    [path] = folder.glob("*.code")
    return path


def fetch(folder: Path, make: Maker, text: str = "text", target: str = "this") -> bytes:
    return Cache(folder).fetch(text, target, make)


def test_the_second_time_it_is_there(folder: Path) -> None:
    make = Maker()
    assert fetch(folder, make) == fetch(folder, make) == b"some codetext"
    assert make.calls == 1
    assert Cache(folder).contents().entries == 1


def test_other_text_and_other_computers_have_other_entries(folder: Path) -> None:
    make = Maker()
    fetch(folder, make)
    fetch(folder, make, target="another")
    assert fetch(folder, make, text="more") == b"some codemore"
    assert make.calls == 3


@pytest.mark.parametrize("keep", [0, 1, 7, 40, 79, 80, 85])
def test_a_truncated_entry_is_made_anew(folder: Path, keep: int) -> None:
    make = Maker()
    fetch(folder, make)
    path = entry(folder)
    path.write_bytes(path.read_bytes()[:keep])
    assert fetch(folder, make) == b"some codetext"
    assert fetch(folder, make) == b"some codetext"
    assert make.calls == 2


def test_each_changed_byte_is_noticed(folder: Path) -> None:
    make = Maker()
    fetch(folder, make)
    path = entry(folder)
    sound = path.read_bytes()
    for place in range(len(sound)):
        damaged = bytearray(sound)
        damaged[place] ^= 1
        path.write_bytes(bytes(damaged))
        assert fetch(folder, make) == b"some codetext"
        assert make.calls == place + 2


def test_the_entry_of_another_machine_is_not_taken(folder: Path) -> None:
    make = Maker()
    fetch(folder, make)
    other = entry(folder).read_bytes()
    Cache(folder).clear()
    fetch(folder, make, text="more")
    entry(folder).write_bytes(other)
    assert fetch(folder, make, text="more") == b"some codemore"


@pytest.mark.skipif(sys.platform == "win32", reason="permissions are access lists there")
def test_a_folder_that_others_may_write_is_not_used(folder: Path) -> None:
    make = Maker()
    fetch(folder, make)
    folder.chmod(0o777)
    fetch(folder, make)
    assert make.calls == 2


def test_an_entry_is_private(folder: Path) -> None:
    fetch(folder, Maker())
    if sys.platform != "win32":
        assert folder.stat().st_mode & 0o077 == 0
        assert entry(folder).stat().st_mode & 0o077 == 0


def test_a_place_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    make, file = Maker(), tmp_path / "file"
    file.write_text("in the way", encoding="utf-8")
    assert fetch(file / "cache", make) == b"some codetext"
    assert fetch(file / "cache", make) == b"some codetext"
    assert make.calls == 2


def test_nothing_is_left_behind(folder: Path) -> None:
    fetch(folder, Maker())
    assert [path.suffix for path in folder.iterdir()] == [".code"]
    Cache(folder).clear()
    assert Cache(folder).contents().size == 0
    assert not list(folder.iterdir())


def test_the_folder_of_the_user(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DIRQL_CACHE_DIR", str(tmp_path / "mine"))
    assert default_cache().folder == tmp_path / "mine"
    monkeypatch.setenv("DIRQL_CACHE_DIR", "")
    assert default_cache().folder is None


def test_an_engine_finds_its_code_again(folder: Path) -> None:
    for _ in range(2):
        assert isinstance(NativeEngine(cache=Cache(folder)).check(peterson()).verdict, Holds)
    assert Cache(folder).contents().entries == 1
    path = entry(folder)
    path.write_bytes(path.read_bytes()[:-100])
    assert isinstance(NativeEngine(cache=Cache(folder)).check(peterson()).verdict, Holds)


SCRIPT = """
import sys
from pathlib import Path
from dirql.explorer.native.cache import Cache
for number in range(50):
    code = Cache(Path(sys.argv[1])).fetch(str(number), "this", lambda t: t.encode() * 1000)
    assert code == str(number).encode() * 1000
"""


def test_several_processes_at_once(folder: Path) -> None:
    command = [sys.executable, "-c", SCRIPT, str(folder)]
    running = [subprocess.Popen(command, env=dict(os.environ)) for _ in range(3)]
    assert [process.wait() for process in running] == [0, 0, 0]
    assert Cache(folder).contents().entries == 50
    assert len(list(folder.iterdir())) == 50
