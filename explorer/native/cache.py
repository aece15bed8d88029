"""Compiled code on disk, so that an unchanged machine is compiled once.

An entry is named by the hash of the text it was compiled from and of the computer it was compiled
for, so it is never out of date. Loading damaged object code would crash the process: each entry has
a header with its length and its SHA-256, and one that is truncated, foreign or of another version
is removed and made anew. That guards against damage, not against an attacker, so the folder must
belong to the user and be closed to all others. Nothing here is worth failing for: where there is no
such folder, or it cannot be written, code is compiled each time.

There is no lock. Processes that compile the same machine at once each do so, in a fraction of a
second, and each moves a whole entry into place.
"""

import hashlib
import os
import stat
import struct
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

FOLDER_VARIABLE = "DIRQL_CACHE_DIR"
"""The environment variable that names the folder; empty means no cache."""

_MAGIC = b"dirqlobj"
_VERSION = 1
_HEADER = struct.Struct("<8sII32s32s")
_SUFFIX = ".code"


@dataclass(frozen=True, slots=True)
class Contents:
    """What is in a cache: `entries` files of `size` bytes together."""

    folder: Path
    entries: int
    size: int


class Cache:
    """Object code in one folder."""

    def __init__(self, folder: Path) -> None:
        """Use `folder`, which is made when the first entry is."""
        self._folder = folder

    def fetch(self, text: str, target: str, make: Callable[[str], bytes]) -> bytes:
        """The code for `text` on the computer `target`; what is not there is made and kept."""
        key = hashlib.sha256(f"{target}\n{text}".encode()).digest()
        path = self._folder / f"{key.hex()}{_SUFFIX}"
        code = self._read(path, key)
        if code is None:
            code = make(text)
            with suppress(OSError):
                self._write(path, key, code)
        return code

    def contents(self) -> Contents:
        """How much is kept."""
        sizes = [path.stat().st_size for path in self._entries()]
        return Contents(self._folder, len(sizes), sum(sizes))

    def clear(self) -> None:
        """Remove all entries."""
        for path in self._entries():
            path.unlink(missing_ok=True)

    def _entries(self) -> Iterator[Path]:
        if self._folder.is_dir():
            yield from self._folder.glob(f"*{_SUFFIX}")

    def _read(self, path: Path, key: bytes) -> bytes | None:
        try:
            if not _is_private(self._folder):
                return None
            data = path.read_bytes()
        except OSError:
            return None
        code = _checked(data, key)
        if code is None:
            with suppress(OSError):
                path.unlink()
        return code

    def _write(self, path: Path, key: bytes, code: bytes) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not _is_private(self._folder):
            return
        header = _HEADER.pack(_MAGIC, _VERSION, len(code), key, hashlib.sha256(code).digest())
        handle, name = tempfile.mkstemp(dir=self._folder)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(header + code)
            Path(name).replace(path)
        except OSError:
            Path(name).unlink(missing_ok=True)
            raise


class NoCache(Cache):
    """Keeps nothing."""

    def __init__(self) -> None:
        super().__init__(Path())

    def fetch(self, text: str, target: str, make: Callable[[str], bytes]) -> bytes:  # noqa: ARG002
        """Make it."""
        return make(text)


def default_cache() -> Cache:
    """The cache of this user; none if there is no place for it."""
    named = os.environ.get(FOLDER_VARIABLE)
    if named is not None:
        return Cache(Path(named)) if named else NoCache()
    if sys.platform == "win32":
        home = os.environ.get("LOCALAPPDATA")
        return Cache(Path(home) / "dirql" / "cache") if home else NoCache()
    home = os.environ.get("XDG_CACHE_HOME")
    if home and Path(home).is_absolute():
        return Cache(Path(home) / "dirql")
    try:
        return Cache(Path.home() / ".cache" / "dirql")
    except RuntimeError:  # no home folder
        return NoCache()


def _checked(data: bytes, key: bytes) -> bytes | None:
    """The code in an entry, if it is whole and is the one wanted."""
    if len(data) < _HEADER.size:
        return None
    magic, version, length, found, digest = _HEADER.unpack_from(data)
    code = data[_HEADER.size :]
    sound = (magic, version, length, found) == (_MAGIC, _VERSION, len(code), key)
    return code if sound and hashlib.sha256(code).digest() == digest else None


def _is_private(folder: Path) -> bool:
    """Whether `folder` belongs to this user, and nobody else may write to it or read it."""
    if sys.platform == "win32":
        return True  # the folder lies in the user's profile, whose access list says so
    status = folder.stat()
    return status.st_uid == os.geteuid() and not stat.S_IMODE(status.st_mode) & 0o077
