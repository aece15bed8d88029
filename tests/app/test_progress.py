"""What is shown while a check works."""

import io
import sys
import threading

import pytest

from dirql.app import progress as progress_module
from dirql.app.progress import Silent, Spinner, describe, make_progress
from dirql.explorer.engine import Snapshot


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """It is."""
        return True


def test_nothing_is_shown_where_nobody_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    with make_progress() as progress:
        assert isinstance(progress, Silent)
        progress.say("working")
    assert stream.getvalue() == ""


def test_a_terminal_sees_the_news(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(progress_module, "MOMENT", 0)
    with make_progress() as progress:
        assert isinstance(progress, Spinner)
        progress.say("[1/2] reading")
        progress.appear()
        progress.say("[1/2] working")
    assert "[1/2] working" in stream.getvalue()


def test_what_says_nothing_new_is_shown_after_a_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compiling may take long, and has no news."""
    stream, shown = Terminal(), threading.Event()

    class Seen(Spinner):
        def appear(self) -> None:
            super().appear()
            shown.set()

    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(progress_module, "MOMENT", 0.001)
    with Seen() as progress:
        progress.say("compiling")
        assert shown.wait(60)
    assert "compiling" in stream.getvalue()


def test_a_snapshot_in_words() -> None:
    snapshot = Snapshot(12_345, 40_000, 31, 7_000, 2.0, 81_234_567)
    assert describe(snapshot) == (
        "12,345 states, 20,000 transitions/s, depth 31, frontier 7,000, 81 MB, 2 s"
    )


def test_what_is_done_at_once_shows_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setattr(progress_module, "MOMENT", 3600)
    with make_progress() as progress:
        progress.say("[1/2] working")
    assert stream.getvalue() == ""
