"""The cache folder: what is read back is what was written, or nothing."""

import os
import sys
import tempfile
from pathlib import Path

import pytest

from dirql.explorer import storage
from dirql.explorer.storage import Kind, Storage, default_folder, is_private

KEY, OTHER = bytes(range(32)), bytes(range(1, 33))
POSIX = pytest.mark.skipif(sys.platform == "win32", reason="permissions are access lists there")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def entry(folder: Path) -> Path:
    [path] = folder.glob("*.verdict")
    return path


def kept(folder: Path, payload: bytes = b"payload") -> Storage:
    made = Storage(folder)
    made.write(Kind.VERDICT, KEY, payload)
    return made


@pytest.mark.parametrize("payload", [b"", b"payload", bytes(100_000)])
def test_round_trip(folder: Path, payload: bytes) -> None:
    assert kept(folder, payload).read(Kind.VERDICT, KEY) == payload
    assert Storage(folder).read(Kind.VERDICT, OTHER) is None


@pytest.mark.parametrize("keep", [0, 1, 6, 14, 50, 83, 84, 90])
def test_a_truncated_entry_is_removed(folder: Path, keep: int) -> None:
    made = kept(folder)
    path = entry(folder)
    path.write_bytes(path.read_bytes()[:keep])
    assert made.read(Kind.VERDICT, KEY) is None
    assert not path.exists()


def test_each_changed_byte_is_noticed(folder: Path) -> None:
    made = kept(folder)
    path = entry(folder)
    sound = path.read_bytes()
    for place in range(len(sound)):
        damaged = bytearray(sound)
        damaged[place] ^= 0x10
        path.write_bytes(bytes(damaged))
        assert made.read(Kind.VERDICT, KEY) is None
        assert not path.exists()
    path.write_bytes(sound + b"x")
    assert made.read(Kind.VERDICT, KEY) is None


def test_a_foreign_file_is_removed(folder: Path) -> None:
    made = kept(folder)
    entry(folder).write_text("a text that somebody put here\n" * 10, encoding="utf-8")
    assert made.read(Kind.VERDICT, KEY) is None
    assert not list(folder.iterdir())


def test_an_entry_under_the_name_of_another_is_removed(folder: Path) -> None:
    made = kept(folder)
    entry(folder).rename(folder / f"{OTHER.hex()}.verdict")
    assert made.read(Kind.VERDICT, OTHER) is None
    kept(folder)
    entry(folder).rename(folder / f"{KEY.hex()}.code")
    assert made.read(Kind.CODE, KEY) is None
    assert not list(folder.iterdir())


def test_an_entry_of_an_older_version_is_removed(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage, "_VERSION", 0)
    kept(folder)
    monkeypatch.undo()
    assert Storage(folder).read(Kind.VERDICT, KEY) is None
    assert not list(folder.iterdir())


@POSIX
def test_a_folder_of_another_user_is_not_used(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = kept(folder)
    monkeypatch.setattr(os, "geteuid", lambda: 4711)
    assert made.read(Kind.VERDICT, KEY) is None
    made.write(Kind.VERDICT, OTHER, b"more")
    monkeypatch.undo()
    assert made.contents().entries == 1


@POSIX
def test_a_folder_that_others_can_enter_is_not_used(folder: Path) -> None:
    made = kept(folder)
    folder.chmod(0o755)
    assert made.read(Kind.VERDICT, KEY) is None
    folder.chmod(0o700)
    assert made.read(Kind.VERDICT, KEY) == b"payload"


@POSIX
def test_a_link_to_ones_own_folder_is_used(folder: Path, tmp_path: Path) -> None:
    kept(folder)
    link = tmp_path / "link"
    link.symlink_to(folder)
    assert Storage(link).read(Kind.VERDICT, KEY) == b"payload"


@POSIX
@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can chown")
@pytest.mark.parametrize("whose", ["link", "folder"])
def test_a_link_of_or_to_another_user_is_not_used(folder: Path, tmp_path: Path, whose: str) -> None:
    kept(folder)
    link = tmp_path / "link"
    link.symlink_to(folder)
    os.chown(link if whose == "link" else folder, 4711, 4711, follow_symlinks=False)
    assert not is_private(link)
    assert Storage(link).read(Kind.VERDICT, KEY) is None
    Storage(link).write(Kind.VERDICT, OTHER, b"more")
    assert len(list(folder.iterdir())) == 1


def test_where_nothing_can_be_written_nothing_is_kept(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "file"
    file.write_text("in the way", encoding="utf-8")
    assert kept(file / "cache").read(Kind.VERDICT, KEY) is None
    assert kept(file).read(Kind.VERDICT, KEY) is None
    made = kept(folder)

    def full(*_: object, **__: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(tempfile, "mkstemp", full)
    made.write(Kind.VERDICT, OTHER, b"more")
    assert made.read(Kind.VERDICT, OTHER) is None
    assert made.read(Kind.VERDICT, KEY) == b"payload"  # what is there can be read


def test_a_write_that_fails_leaves_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(Path, "replace", broken)
    kept(folder)
    assert not list(folder.iterdir())


def test_no_folder() -> None:
    nothing = Storage(None)
    nothing.write(Kind.VERDICT, KEY, b"payload")
    assert nothing.read(Kind.VERDICT, KEY) is None
    assert nothing.contents().entries == nothing.clear() == 0


def test_clearing_removes_entries_and_leftovers_and_nothing_else(folder: Path) -> None:
    made = kept(folder)
    made.write(Kind.CODE, KEY, b"code")
    (folder / "notes.txt").write_text("mine", encoding="utf-8")
    (folder / ".unfinished-abc").write_bytes(b"of a process that was killed")
    assert made.contents().entries == 2
    assert made.contents(Kind.CODE).entries == 1
    assert made.clear() == 2
    assert [path.name for path in folder.iterdir()] == ["notes.txt"]


def test_a_folder_that_grows_too_large_loses_its_oldest(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage, "MOST_BYTES", 5_000)
    made = Storage(folder)
    for number in range(10):
        key = bytes([number + 1]) * 32
        made.write(Kind.CODE, key, bytes(1_000))
        os.utime(folder / f"{key.hex()}.code", (number, number))
    assert made.contents().entries == 10
    made.write(Kind.VERDICT, bytes(32), b"the one that looks")
    assert made.contents(Kind.CODE).entries == 2
    assert made.read(Kind.CODE, bytes([10]) * 32) is not None
    assert made.read(Kind.VERDICT, bytes(32)) is not None


def test_the_folder_of_the_user(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def nowhere() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setenv("DIRQL_CACHE_DIR", str(tmp_path / "mine"))
    assert default_folder() == tmp_path / "mine"
    monkeypatch.setenv("DIRQL_CACHE_DIR", "")
    assert default_folder() is None
    monkeypatch.delenv("DIRQL_CACHE_DIR")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "xdg"))
    assert default_folder() == tmp_path / "xdg" / "dirql" / (
        "cache" if sys.platform == "win32" else ""
    )
    monkeypatch.setenv("XDG_CACHE_HOME", "relative/path")
    monkeypatch.delenv("LOCALAPPDATA")
    monkeypatch.setattr(Path, "home", nowhere)
    assert default_folder() is None
