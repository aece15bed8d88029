"""A file that one process at a time holds; the system lets go of it when the process ends."""

import os
import sys
from contextlib import suppress
from pathlib import Path

if sys.platform == "win32":
    import msvcrt

    def _take(file: int) -> None:
        try:
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        except OSError:
            raise BlockingIOError from None

else:
    import fcntl

    def _take(file: int) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


class Lock:
    """Holds the file `path` until it is released."""

    def __init__(self, path: Path) -> None:
        """Take the lock.

        Raises:
            BlockingIOError: another process has it.
            OSError: the file cannot be made.
        """
        self._path = path
        self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            _take(self._file)
            if not _is_still(path, self._file):  # whoever had it has removed it meanwhile
                raise BlockingIOError
        except OSError:
            os.close(self._file)
            raise

    def release(self, *, remove: bool = False) -> None:
        """Let go, and remove the file if nobody needs it any more."""
        if remove and sys.platform != "win32":
            with suppress(OSError):
                self._path.unlink(missing_ok=True)
        os.close(self._file)
        if remove and sys.platform == "win32":
            with suppress(OSError):
                self._path.unlink(missing_ok=True)


def _is_still(path: Path, file: int) -> bool:
    """Whether `path` names the open `file`."""
    try:
        return os.path.samestat(path.stat(), os.fstat(file))
    except FileNotFoundError:
        return False
