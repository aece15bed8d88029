"""What is shown on a terminal while a check works; elsewhere nothing."""

import sys
from types import TracebackType
from typing import Protocol, Self

from dirql.explorer.engine import Snapshot


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
    """One changing line on the error output."""

    def __init__(self) -> None:
        """Prepare the line; nothing is shown before the context is entered."""
        from rich.console import Console

        self._status = Console(stderr=True).status("")

    def __enter__(self) -> Self:
        """Show the line."""
        self._status.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Remove the line, so that what is printed next stands alone."""
        self._status.stop()

    def say(self, text: str) -> None:
        """Replace the line."""
        from rich.text import Text

        self._status.update(Text(text))


def make_progress() -> Progress:
    """A spinner on a terminal, nothing elsewhere."""
    return Spinner() if sys.stderr.isatty() else Silent()


def describe(snapshot: Snapshot) -> str:
    """`12,345 states, 40,000 transitions, depth 31, 2 s`."""
    return (
        f"{snapshot.states:,} states, {snapshot.transitions:,} transitions, "
        f"depth {snapshot.depth}, {snapshot.seconds:.0f} s"
    )
