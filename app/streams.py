"""The standard streams, made safe: an answer that nobody can read is never taken for a verdict.

A reader can go away (`| head`), a disk can be full (`> report.txt`), a stream can be closed from
the start (`>&-`). Python meets each in a place of its own: `None` instead of a stream, an
`OSError` from whoever writes next, a message when the interpreter ends; click makes 1 of a broken
pipe, which is the exit code of a violation. Here all of it becomes one `OutputError`, raised where
the answer is written. What cannot be written to the error output is given up: the exit code of what
happened says enough.
"""

import errno
import io
import os
import select
import sys
from typing import Any, TextIO

_FIRST_FILES = 3
"""Standard input, output and error output have the numbers below this."""


class OutputError(Exception):
    """The answer cannot be written to the standard output.

    Attributes:
        reader_gone: whether nobody reads any more; then there is nobody to tell either.
    """

    def __init__(self, reason: str, *, reader_gone: bool = False) -> None:
        super().__init__(reason)
        self.reader_gone = reader_gone


def guard() -> None:
    """Make the standard streams of this process safe, whatever they are; once, at the start."""
    missing = _occupy_closed()
    sys.stdout = _guarded(sys.stdout, 1 not in missing, answers=True)
    sys.stderr = _guarded(sys.stderr, 2 not in missing, answers=False)


def is_open() -> bool:
    """Whether there is a standard output at all."""
    raw = getattr(getattr(sys.stdout, "buffer", None), "raw", None)
    return not isinstance(raw, _Guarded) or raw.is_open


def _occupy_closed() -> set[int]:
    """Open the null device in place of each closed standard stream.

    Else the next file that is opened, of the cache perhaps, would get its number, and what C code
    writes to the error output would be written there.

    Returns:
        the numbers that were closed.
    """
    missing = set[int]()
    for number in range(_FIRST_FILES):
        try:
            os.fstat(number)
        except OSError:
            missing.add(number)
            os.open(os.devnull, os.O_RDWR)  # gets the lowest number that is free: this one
    return missing


def _guarded(stream: TextIO | None, there: bool, *, answers: bool) -> TextIO:  # noqa: FBT001
    """A text stream over `stream` that reports or forgets what cannot be written."""
    raw: io.RawIOBase | None = None
    if there and stream is not None:
        buffer: Any = getattr(stream, "buffer", None)
        below: object = getattr(buffer, "raw", buffer)  # Python may be told to buffer nothing
        if not isinstance(below, io.RawIOBase):
            return stream  # put there by somebody else, who keeps it in memory
        raw = below
    return io.TextIOWrapper(
        io.BufferedWriter(_Guarded(raw, answers=answers)),
        encoding=stream.encoding if stream is not None else "utf-8",
        # A console that cannot print a character shows its code instead of stopping the program.
        errors="backslashreplace",
        line_buffering=True,
    )


class _Guarded(io.RawIOBase):
    """Bytes on their way out. After the first failure everything is taken and forgotten."""

    def __init__(self, raw: io.RawIOBase | None, *, answers: bool) -> None:
        """Write to `raw`, nothing if it is closed; with `answers` a failure is an error."""
        super().__init__()
        self._raw = raw
        self._answers = answers
        self._lost = False

    @property
    def is_open(self) -> bool:
        """Whether there ever was something to write to."""
        return self._raw is not None

    def writable(self) -> bool:
        """It is."""
        return True

    def fileno(self) -> int:
        """The number of the stream below.

        Raises:
            OSError: it was closed before we began.
        """
        if self._raw is None:
            raise OSError(errno.EBADF, "the stream is closed")
        return self._raw.fileno()

    def isatty(self) -> bool:
        """Whether it is a terminal."""
        return self._raw is not None and self._raw.isatty()

    def write(self, data: Any, /) -> int:  # noqa: ANN401  (as its base class: any buffer)
        """Write some of `data`; says how much.

        Raises:
            OutputError: it is the answer, and cannot be written.
        """
        size = memoryview(data).nbytes
        if self._lost:
            return size
        if self._raw is None:
            self._fail(OutputError("the standard output is closed"))
            return size
        try:
            while (written := self._raw.write(data)) is None:
                select.select([], [self._raw.fileno()], [])  # the other end asked us not to wait
        except OSError as error:
            # Windows says EINVAL of a pipe that nobody reads.
            gone = error.errno == errno.EPIPE or (
                sys.platform == "win32" and error.errno == errno.EINVAL
            )
            self._fail(OutputError(error.strerror or str(error), reader_gone=gone))
            return size
        return written

    def _fail(self, error: OutputError) -> None:
        self._lost = True
        if self._answers:
            raise error from None
