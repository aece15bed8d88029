"""What is shown on a terminal while a check works; elsewhere nothing."""

import sys
from collections.abc import Generator
from contextlib import contextmanager
from threading import Lock, Timer
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self, TextIO

from dirql.explorer.engine import Snapshot
from dirql.model.visible import one_line

if TYPE_CHECKING:
    from rich.status import Status

MOMENT = 0.3
"""Seconds for which nothing is shown."""


class Progress(Protocol):
    """A place for news of running work. It is a context manager: leaving removes the news."""

    def __enter__(self) -> Self:
        """Start showing."""
        ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop showing."""
        ...

    def say(self, text: str) -> None:
        """Replace what is shown."""
        ...


class Silent:
    """Shows nothing: output goes to a file or another program."""

    def __enter__(self) -> Self:
        """Do nothing."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Do nothing."""

    def say(self, text: str) -> None:
        """Do nothing."""


class Spinner:
    """One changing line on the error output.

    It appears after a moment, also if there is no more news: what is done at once needs no line,
    nor the import of what draws it.
    """

    def __init__(self) -> None:
        """Prepare the line; nothing is shown before there is news."""
        self._text = ""
        self._status: Status | None = None
        self._due = self._over = False
        self._lock = Lock()
        self._timer = Timer(MOMENT, self.appear)
        self._timer.daemon = True

    def __enter__(self) -> Self:
        """Begin to listen."""
        self._timer.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Remove the line, so that what is printed next stands alone."""
        self._timer.cancel()
        with self._lock:
            self._over = True
            if self._status is not None:
                self._status.stop()

    def say(self, text: str) -> None:
        """Replace the line."""
        self._text = one_line(text)
        if self._due and self._status is None:
            self.appear()
        elif self._status is not None:
            from rich.text import Text

            self._status.update(Text(self._text))

    def appear(self) -> None:
        """Show what was said last, if there is nothing yet; another thread does this."""
        from rich.console import Console
        from rich.text import Text

        with self._lock:
            self._due = True
            if not self._over and self._status is None and self._text:
                self._status = Console(stderr=True).status(Text(self._text))
                self._status.start()


def make_progress() -> Progress:
    """A spinner on a terminal, nothing elsewhere; there may be no error output at all."""
    there: TextIO | None = sys.stderr
    return Spinner() if there is not None and there.isatty() else Silent()


@contextmanager
def working(on: str) -> Generator[None]:
    """Show, while it lasts, what is worked on."""
    with make_progress() as progress:
        progress.say(on)
        yield


def describe(snapshot: Snapshot) -> str:
    """`12,345 states, 20,000 transitions/s, depth 31, frontier 7, 80 MB, 2 s`."""
    speed = snapshot.transitions / snapshot.seconds if snapshot.seconds else 0
    return (
        f"{snapshot.states:,} states, {speed:,.0f} transitions/s, depth {snapshot.depth}, "
        f"frontier {snapshot.frontier:,}, {snapshot.memory / 10**6:,.0f} MB, "
        f"{snapshot.seconds:.0f} s"
    )
