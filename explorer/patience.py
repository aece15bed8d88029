"""Limits for code that does not look at limits itself: reading, compiling, a solver at work.

Engines compare themselves with their limits (`budget.py`), and answer with what they found. All
else is interrupted as Ctrl-C would interrupt it: a thread looks at the clock and at the memory, and
when one has run out it lets the main thread raise `LimitReached`. So a limit holds wherever the
time goes, also in code that is written tomorrow, and whoever can say what is known catches it.

Where C code has the main thread, a Python exception has to wait. So what such code offers to be
stopped with is registered in `processes.STOPPERS`, and called again and again until it returns.
"""

import _thread
import math
import signal
import sys
import threading
import time
from types import FrameType, TracebackType
from typing import Self

from .budget import resident_memory
from .engine import Limits
from .processes import STOPPERS

GRACE = 2.0
"""Seconds that an engine has to end by itself with a better answer; then it is interrupted too."""

_LOOK = 0.1
"""Seconds between two looks."""

_AGAIN = 2.0
"""Seconds until the exception is raised again, should somebody have swallowed it."""

_HURRY = 0.05
"""Seconds until the same, while it could not be raised at all."""

# What nothing else uses, and what can be raised from a thread.
if sys.platform == "win32":
    _SIGNAL = signal.SIGBREAK
else:
    _SIGNAL = signal.SIGALRM


class LimitReached(KeyboardInterrupt):
    """Time or memory ran out; the message says which. What lets Ctrl-C pass lets this pass."""


class Patience:
    """Watches over a piece of work in the main thread; in any other thread it does nothing.

    Attributes:
        exhausted: which limit was reached, in words; empty while none is.
    """

    def __init__(self, limits: Limits) -> None:
        """Watch `limits.seconds` and `limits.memory`."""
        self.exhausted = ""
        self._limits = limits
        self._begun = time.monotonic()
        self._over = threading.Event()
        self._raised = self._settled = False
        self._lenient = 0
        self._outer: Patience | None = None
        self._thread: threading.Thread | None = None

    @property
    def seconds(self) -> float:
        """How long the work has taken."""
        return time.monotonic() - self._begun

    @property
    def left(self) -> float:
        """How many seconds are left; infinite without a limit."""
        allowed = self._limits.seconds
        return math.inf if allowed is None else max(0.0, allowed - self.seconds)

    def __enter__(self) -> Self:
        """Begin to watch."""
        global _current
        limited = self._limits.seconds is not None or self._limits.memory is not None
        if limited and threading.current_thread() is threading.main_thread():
            self._outer, _current = _current, self
            # It stays: a signal that arrives when nobody watches any more must find a handler.
            signal.signal(_SIGNAL, _raise_in_main_thread)
            self._thread = threading.Thread(target=self._watch, name="patience", daemon=True)
            self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop watching; nothing is raised from here on."""
        global _current  # noqa: PLW0603
        self.settle()
        if self._thread is not None:
            self._thread.join()
            _current = self._outer

    def settle(self) -> None:
        """Raise nothing any more: what is still to be done is to say what is known."""
        self._settled = True
        self._over.set()

    def look(self) -> None:
        """Go on only if no limit has been reached.

        Raises:
            LimitReached: one has; perhaps an engine noticed, and ended with an answer of its own.
        """
        self._compare()
        if self.exhausted:
            raise LimitReached(self.exhausted)

    def _watch(self) -> None:
        """What the thread does."""
        while not self._over.wait(_LOOK):
            if not self.exhausted:
                self._compare()
            if self.exhausted:
                break
        while not self._settled:
            for stop in STOPPERS:
                stop()
            _ring()
            self._over.wait(_AGAIN if self._raised else _HURRY)

    def _compare(self) -> None:
        limits = self._limits
        allowed = limits.seconds
        if allowed is not None and self.seconds >= allowed + (GRACE if self._lenient else 0):
            self.exhausted = f"the limit of {allowed:g} seconds was reached"
        if limits.memory is not None and not self._lenient and resident_memory() >= limits.memory:
            self.exhausted = f"the limit of {limits.memory} bytes of memory was reached"

    def rung(self) -> None:
        """In the main thread: raise the exception, if it is time for it.

        Raises:
            LimitReached: it is.
        """
        if self.exhausted and not self._settled:
            self._raised = True
            raise LimitReached(self.exhausted)

    def lenient(self, by: int) -> None:
        """Count who looks at the limits by himself."""
        self._lenient += by


_current: Patience | None = None


class Lenient:
    """A piece of work that looks at its limits itself: it gets a little longer."""

    def __enter__(self) -> None:
        """Begin it."""
        if _current is not None:
            _current.lenient(1)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End it."""
        if _current is not None:
            _current.lenient(-1)


def look() -> None:
    """As `Patience.look`, of whoever watches over us."""
    if _current is not None:
        _current.look()


def settle() -> None:
    """As `Patience.settle`, of whoever watches over us."""
    if _current is not None:
        _current.settle()


def left() -> float:
    """The seconds that are left; infinite where nobody counts them."""
    return math.inf if _current is None else _current.left


def _ring() -> None:
    """Let the main thread run the handler of the signal, also out of a system call."""
    if sys.platform == "win32":
        _thread.interrupt_main(_SIGNAL)
    else:
        main = threading.main_thread().ident
        if main is not None:
            signal.pthread_kill(main, _SIGNAL)


def _raise_in_main_thread(number: int, frame: FrameType | None) -> None:
    """The handler of the signal."""
    del number
    if _current is not None and not _must_finish(frame):
        _current.rung()


def _must_finish(frame: FrameType | None) -> bool:
    """Whether the main thread is where an exception would leave things half done.

    That is an import, which would leave a module behind that lacks its end; and this module.
    """
    while frame is not None:
        file = frame.f_code.co_filename
        if file == __file__ or file.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False
