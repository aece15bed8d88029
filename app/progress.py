"""What is shown on a terminal while a check works; elsewhere nothing."""

import sys
import time
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

    It appears with the first news after a moment: what is done at once needs no line, nor the
    import of what draws it.
    """

    def __init__(self) -> None:
        """Prepare the line; nothing is shown before there is news."""
        self._begun = time.monotonic()
        self._status: Status | None = None

    def __enter__(self) -> Self:
        """Begin to listen."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Remove the line, so that what is printed next stands alone."""
        if self._status is not None:
            self._status.stop()

    def say(self, text: str) -> None:
        """Replace the line."""
        if time.monotonic() - self._begun < MOMENT:
            return
        from rich.console import Console
        from rich.text import Text

        if self._status is None:
            self._status = Console(stderr=True).status("")
            self._status.start()
        self._status.update(Text(one_line(text)))


def make_progress() -> Progress:
    """A spinner on a terminal, nothing elsewhere; there may be no error output at all."""
    there: TextIO | None = sys.stderr
    return Spinner() if there is not None and there.isatty() else Silent()


def describe(snapshot: Snapshot) -> str:
    """`12,345 states, 20,000 transitions/s, depth 31, frontier 7, 80 MB, 2 s`."""
    speed = snapshot.transitions / snapshot.seconds if snapshot.seconds else 0
    return (
        f"{snapshot.states:,} states, {speed:,.0f} transitions/s, depth {snapshot.depth}, "
        f"frontier {snapshot.frontier:,}, {snapshot.memory / 10**6:,.0f} MB, "
        f"{snapshot.seconds:.0f} s"
    )
