"""How far a search has come, on disk: it survives whatever ends the process.

A folder holds one search. The states of closed levels are appended to one file, level by level; a
second, small file says how many of them count and what else is known, and is replaced as a whole.
So at any moment the second file describes a beginning of the first, and what was being written
when the process ended is ignored. Both carry checksums: a checkpoint that was cut short, changed or
made by another dirql or for another machine is refused, never trusted: the engine that made it may
have had an error that this one has not.
"""

import hashlib
import os
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

import msgspec

from ..identity import engine_digest
from ..workspace import WorkspaceError
from .covered import Portable
from .locking import Lock
from .space import Space

VERSION = 2
STATES, STATUS, LOCK = "states.bin", "checkpoint.json", "lock"

_PART = 1 << 22


class Status(msgspec.Struct, frozen=True):
    """The small file.

    `engine` is the hash of the source that found the states, `machine` that of the machine,
    `states` that of the states that count.
    """

    version: int
    engine: str
    machine: str
    words: int
    levels: tuple[int, ...]
    states: str
    covered: Portable


class Sealed(msgspec.Struct, frozen=True):
    """`body` as text, with its hash."""

    sha256: str
    body: str


class Checkpoint:
    """One search's folder."""

    def __init__(self, folder: Path, machine: str, words: int, interval: float) -> None:
        """Use `folder` for the machine with digest `machine`, whose states have `words` words.

        Raises:
            WorkspaceError: the folder cannot be made, or another process is using it.
        """
        self._folder, self._machine, self._words = folder, machine, words
        self._interval, self._last = interval, time.monotonic()
        self._levels: list[int] = []
        self._hash = hashlib.sha256()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._lock = Lock(folder / LOCK)
        except BlockingIOError:
            raise WorkspaceError(f"{folder} is in use by another process") from None
        except OSError as error:
            raise WorkspaceError(f"{folder} cannot be used for checkpoints: {error}") from error

    def close(self, *, finished: bool) -> None:
        """Let others use the folder; a search that is finished leaves nothing behind."""
        if finished:
            for name in (STATUS, STATES, f"{STATUS}.new"):
                with suppress(OSError):
                    (self._folder / name).unlink(missing_ok=True)
        self._lock.release(remove=finished)
        if finished:
            with suppress(OSError):
                self._folder.rmdir()

    def refuse_to_overwrite(self) -> None:
        """Make sure that nothing is lost by beginning anew.

        Raises:
            WorkspaceError: there is a checkpoint.
        """
        if (self._folder / STATUS).exists():
            raise WorkspaceError(
                f"{self._folder} holds a search that was ended: --resume goes on from there; "
                f"{_ADVICE}"
            )

    def load(self) -> Status | None:
        """What the folder says; nothing if no checkpoint was made.

        Raises:
            WorkspaceError: it is damaged, or for another machine or version.
        """
        status = self._folder / STATUS
        if not status.exists():
            return None
        try:
            sealed = msgspec.json.decode(status.read_bytes(), type=Sealed)
            good = hashlib.sha256(sealed.body.encode()).hexdigest() == sealed.sha256
            found = msgspec.json.decode(sealed.body, type=Status) if good else None
        except (OSError, ValueError) as error:  # what msgspec raises are values that are wrong
            raise WorkspaceError(f"{status} is no checkpoint ({error}); {_ADVICE}") from error
        if found is None:
            raise WorkspaceError(f"{status} was changed; {_ADVICE}")
        made_by = (found.version, found.engine, found.words)
        if made_by != (VERSION, engine_digest(), self._words):
            raise WorkspaceError(f"{status} was made by another version of dirql; {_ADVICE}")
        if found.machine != self._machine:
            raise WorkspaceError(f"{status} is for another machine: the pattern changed; {_ADVICE}")
        self._verify(found)
        return found

    def _verify(self, found: Status) -> None:
        left = sum(found.levels) * 8 * self._words
        states = self._folder / STATES
        try:
            with states.open("rb") as file:
                while left:
                    part = file.read(min(left, _PART))
                    if not part:
                        raise WorkspaceError(f"{states} is incomplete; {_ADVICE}")
                    self._hash.update(part)
                    left -= len(part)
        except OSError as error:
            raise WorkspaceError(f"{states} cannot be read: {error}; {_ADVICE}") from error
        if self._hash.hexdigest() != found.states:
            raise WorkspaceError(f"{states} was changed; {_ADVICE}")
        self._levels = list(found.levels)

    def levels(self) -> Iterator[Iterable[bytes]]:
        """The states of the levels of what was loaded."""
        with (self._folder / STATES).open("rb") as file:
            for count in self._levels:
                yield self._parts(file.fileno(), count * 8 * self._words)

    def _parts(self, file: int, left: int) -> Iterator[bytes]:
        size = _PART - _PART % (8 * self._words)
        while left:
            part = os.read(file, min(left, size))
            if not part or len(part) % (8 * self._words):
                raise WorkspaceError(f"{self._folder / STATES} cannot be read")
            yield part
            left -= len(part)

    @property
    def due(self) -> bool:
        """Whether the last checkpoint is long enough ago."""
        return time.monotonic() - self._last >= self._interval

    def write(self, space: Space, covered: Portable, closed: int) -> None:
        """Write a checkpoint of the first `closed` levels, all but the last of them expanded.

        Whatever interrupts it, the checkpoint before stays good, here and in the folder.

        Raises:
            WorkspaceError: the folder cannot be written.
        """
        levels, states = list(self._levels), self._hash.copy()
        try:
            for part in self._append(space, closed, levels):
                states.update(part)
            self._seal(covered, levels, states.hexdigest())
        except OSError as error:
            raise WorkspaceError(f"{self._folder} cannot be written: {error}") from error
        self._levels, self._hash = levels, states
        self._last = time.monotonic()

    def _append(self, space: Space, closed: int, levels: list[int]) -> Iterator[bytes]:
        """Write the states of levels that are not in `levels` yet, and note them there.

        Gives what was written.
        """
        known = sum(levels) * 8 * self._words
        with (self._folder / STATES).open("r+b" if known else "wb") as file:
            file.truncate(known)
            file.seek(known)
            for level in range(len(levels), closed):
                size = 0
                for part in space.packed(level):
                    file.write(part)
                    yield part
                    size += len(part)
                levels.append(size // (8 * self._words))
            file.flush()
            os.fsync(file.fileno())

    def _seal(self, covered: Portable, levels: list[int], states: str) -> None:
        found = tuple(levels), states, covered
        status = Status(VERSION, engine_digest(), self._machine, self._words, *found)
        body = msgspec.json.encode(status).decode()
        sealed = Sealed(hashlib.sha256(body.encode()).hexdigest(), body)
        fresh = self._folder / f"{STATUS}.new"
        with fresh.open("wb") as file:
            file.write(msgspec.json.encode(sealed))
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._folder / STATUS)


_ADVICE = "remove the folder to begin anew"
