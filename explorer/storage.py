"""The cache folder: work that need not be done twice, in files that are checked before use.

An entry is named by the hash of everything it depends on, so it is never out of date, only unknown.
It begins with a header: what it is, the version of the format, its name, its length, its SHA-256.
What is truncated, damaged, foreign or of another version is removed and made anew. That guards
against damage, not against an attacker, so the folder must belong to the user and be closed to all
others. Nothing here is worth failing for: where there is no such folder, or it cannot be written,
nothing is kept.

There is no lock. Processes that make the same entry at once each do so, and each moves a whole file
into place.
"""

import hashlib
import os
import stat
import struct
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

FOLDER_VARIABLE = "DIRQL_CACHE_DIR"
"""The environment variable that names the folder; empty means no cache."""

MOST_BYTES = 2**30
"""Size above which the oldest entries are removed, down to half of it."""

_MAGIC = b"dirql\n"
_VERSION = 1
_HEADER = struct.Struct("<6s8sHI32s32s")
_UNFINISHED = ".unfinished-"


class Kind(StrEnum):
    """What an entry is; its file has this suffix."""

    CODE = "code"
    """Object code of a machine."""
    VERDICT = "verdict"
    """What an engine found out about a machine."""
    ANSWER = "answer"
    """What the command line says about a question, beside the verdict."""


@dataclass(frozen=True, slots=True)
class Contents:
    """What is kept: so many entries of so many bytes together."""

    entries: int
    size: int


class Storage:
    """Entries in one folder; `None` keeps nothing."""

    def __init__(self, folder: Path | None) -> None:
        """Use `folder`, which is made when the first entry is."""
        self.folder = folder

    def read(self, kind: Kind, key: bytes) -> bytes | None:
        """What is kept under `key` (32 bytes), if it is there and sound."""
        if self.folder is None:
            return None
        path = self._path(self.folder, kind, key)
        try:
            if not is_private(self.folder):
                return None
            data = path.read_bytes()
        except OSError:
            return None
        payload = _checked(data, kind, key)
        if payload is None:
            self.remove(kind, key)
        return payload

    def write(self, kind: Kind, key: bytes, payload: bytes) -> None:
        """Keep `payload` under `key`, if that is possible."""
        if self.folder is not None:
            with suppress(OSError):
                self._write(self.folder, kind, key, payload)
                if not key[0]:  # every 256th entry or so
                    self._shrink()

    def remove(self, kind: Kind, key: bytes) -> None:
        """Forget what is kept under `key`."""
        if self.folder is not None:
            with suppress(OSError):
                self._path(self.folder, kind, key).unlink()

    def contents(self, *kinds: Kind) -> Contents:
        """How much of `kinds` is kept; of all kinds if none is named."""
        sizes = [status.st_size for _, status in self._entries(kinds or tuple(Kind))]
        return Contents(len(sizes), sum(sizes))

    def clear(self) -> int:
        """Remove everything; say how many entries there were."""
        removed = 0
        for path, _ in self._entries(tuple(Kind)):
            with suppress(OSError):
                path.unlink()
                removed += 1
        if self.folder is not None:
            for path in self.folder.glob(f"{_UNFINISHED}*"):  # of processes that were killed
                with suppress(OSError):
                    path.unlink()
        return removed

    def _path(self, folder: Path, kind: Kind, key: bytes) -> Path:
        return folder / f"{key.hex()}.{kind}"

    def _entries(self, kinds: tuple[Kind, ...]) -> Iterator[tuple[Path, os.stat_result]]:
        for kind in kinds:
            for path in self.folder.glob(f"*.{kind}") if self.folder else ():
                with suppress(OSError):  # another process has just removed it
                    yield path, path.stat()

    def _write(self, folder: Path, kind: Kind, key: bytes, payload: bytes) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not is_private(folder):
            return
        checksum = hashlib.sha256(payload).digest()
        header = _HEADER.pack(_MAGIC, kind.encode(), _VERSION, len(payload), key, checksum)
        handle, name = tempfile.mkstemp(dir=folder, prefix=_UNFINISHED)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(header + payload)
            Path(name).replace(self._path(folder, kind, key))
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise

    def _shrink(self) -> None:
        found = sorted(self._entries(tuple(Kind)), key=lambda entry: entry[1].st_mtime)
        size = sum(status.st_size for _, status in found)
        if size <= MOST_BYTES:
            return
        for path, status in found:
            path.unlink(missing_ok=True)
            size -= status.st_size
            if size <= MOST_BYTES // 2:
                return


def default_folder() -> Path | None:
    """The cache folder of this user, if there is a place for it."""
    named = os.environ.get(FOLDER_VARIABLE)
    if named is not None:
        return Path(named) if named else None
    if sys.platform == "win32":
        home = os.environ.get("LOCALAPPDATA")
        return Path(home) / "dirql" / "cache" if home else None
    home = os.environ.get("XDG_CACHE_HOME")
    if home and Path(home).is_absolute():
        return Path(home) / "dirql"
    try:
        return Path.home() / ".cache" / "dirql"
    except RuntimeError:  # no home folder
        return None


def is_private(folder: Path) -> bool:
    """Whether `folder` belongs to this user, and nobody else may write to it or read it.

    A link must belong to the user as well: the folder of a link that somebody else placed is one
    that somebody else has chosen.

    Raises:
        OSError: there is no such folder.
    """
    if sys.platform == "win32":
        return True  # the folder lies in the user's profile, whose access list says so
    status = folder.stat()
    owners = {status.st_uid, folder.lstat().st_uid}
    return owners == {os.geteuid()} and not stat.S_IMODE(status.st_mode) & 0o077


def _checked(data: bytes, kind: Kind, key: bytes) -> bytes | None:
    """What is in an entry, if it is whole and is the one wanted."""
    if len(data) < _HEADER.size:
        return None
    magic, found, version, length, name, checksum = _HEADER.unpack_from(data)
    payload = data[_HEADER.size :]
    expected = (_MAGIC, kind.encode().ljust(8, b"\0"), _VERSION, len(payload), key)
    sound = (magic, found, version, length, name) == expected
    return payload if sound and hashlib.sha256(payload).digest() == checksum else None
