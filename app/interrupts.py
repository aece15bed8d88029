"""Ctrl-C and the other signals that ask us to end.

The first signal makes the main thread raise `Interrupted`, wherever it is; whoever works says what
was done so far. Python cannot raise anything while C code has the main thread, so a second thread
hears of the signal as well, from the operating system, and stops the code that can be stopped
(`processes.STOPPERS`). A second signal means that somebody lost patience: the process ends at once.
So it does when the first one was not answered in time.
"""

import math
import os
import signal
import sys
import threading
import time
from types import FrameType

from . import exit_codes

ENOUGH = 5.0
"""Seconds in which the main thread must have noticed."""

_HURRY = 0.05
"""Seconds between two attempts to stop C code."""

_ONE = 0.5
"""Seconds in which several signals are one: a shell, and `timeout`, may send it more than once."""


class Interrupted(KeyboardInterrupt):
    """The user, or the system, asked us to end. `code` is the exit code, as a shell counts it."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.code = 128 + number


def code_of(interruption: BaseException | None) -> int:
    """The exit code after an interruption, whoever wrapped it."""
    while interruption is not None and not isinstance(interruption, Interrupted):
        interruption = interruption.__cause__
    return interruption.code if interruption is not None else exit_codes.INTERRUPTED


def interrupted() -> int:
    """The exit code that a signal asked for; 0 while none came."""
    return _heard.code


class _Heard:
    """What has arrived so far.

    Attributes:
        noticed: whether the main thread has.
        code: the exit code that the first signal asks for; 0 before.
        first: when the first signal came; infinite before.
    """

    def __init__(self) -> None:
        self.noticed = threading.Event()
        self.code = 0
        self.first = math.inf


_heard = _Heard()


def listen() -> None:
    """Handle signals that ask us to end, in the main thread; one that is ignored stays ignored."""
    wanted = [signal.SIGINT, signal.SIGTERM]
    if sys.platform != "win32":
        wanted.append(signal.SIGHUP)
    heard = [number for number in wanted if signal.getsignal(number) != signal.SIG_IGN]
    for number in heard:
        signal.signal(number, _raise)
    if sys.platform == "win32":
        return  # there Python itself notices only between two steps
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    numbers = frozenset(map(int, heard))
    threading.Thread(target=_hear, args=(reader, numbers), name="signals", daemon=True).start()


def deafen() -> None:
    """Raise nothing any more: the exit code is known."""
    _heard.noticed.set()


def _raise(number: int, frame: FrameType | None) -> None:
    """The handler, in the main thread.

    Raises:
        Interrupted: for the first signal; what is said then is not to be interrupted.
    """
    del frame
    if not _heard.noticed.is_set():
        _heard.code = 128 + number
        _heard.noticed.set()
        raise Interrupted(number)


def _hear(reader: int, numbers: frozenset[int]) -> None:
    """What the second thread does: it reads a byte for each signal."""
    while True:
        for number in os.read(reader, 64):
            if number not in numbers:
                continue
            now = time.monotonic()
            if now > _heard.first + _ONE:
                _end(number)
            if now < _heard.first:
                _heard.first = now
                threading.Thread(target=_hurry, args=(number,), daemon=True).start()


def _hurry(number: int) -> None:
    """See to it that the main thread notices."""
    from dirql.explorer.processes import STOPPERS

    end = time.monotonic() + ENOUGH
    while not _heard.noticed.wait(_HURRY):
        for stop in STOPPERS:
            stop()
        if time.monotonic() > end:
            _end(number)


def _end(number: int) -> None:
    """End the process now. Its children notice by themselves."""
    os.write(2, b"interrupted\n")
    os._exit(128 + number)


def leave_to(parent: int) -> None:
    """In a worker of the process `parent`: let that decide when to end, and end when it has ended.

    Ctrl-C reaches every process of a terminal; the parent says what was done, and ends us.
    """
    from dirql.explorer.processes import end_with_parent

    ignored = [signal.SIGINT]
    if sys.platform != "win32":
        signal.set_wakeup_fd(-1)  # the parent's
        ignored.append(signal.SIGHUP)
    for number in ignored:
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    end_with_parent(parent)
