"""The text form of traces."""

from dataclasses import replace

import pytest
from syrupy.assertion import SnapshotAssertion

from dirql.app.trace_text import Style, consequence, level_text, render
from dirql.explorer.trace import Step
from dirql.model.machine import Source

from .traces import DATA_RACE, DEAD_INTERRUPT, STUCK


@pytest.mark.parametrize("width", [120, 100, 160])
def test_columns(width: int, snapshot: SnapshotAssertion) -> None:
    assert render(DEAD_INTERRUPT, Style(width)) == snapshot


def test_narrow_terminals_get_a_list(snapshot: SnapshotAssertion) -> None:
    assert render(DEAD_INTERRUPT, Style(60)) == snapshot


def test_plain_ascii(snapshot: SnapshotAssertion) -> None:
    text = render(DEAD_INTERRUPT, Style(ascii_only=True))
    assert text.isascii()
    assert text == snapshot


def test_a_race_names_both_contexts(snapshot: SnapshotAssertion) -> None:
    assert render(DATA_RACE) == snapshot


def test_a_trace_without_steps(snapshot: SnapshotAssertion) -> None:
    assert render(STUCK) == snapshot


@pytest.mark.parametrize("width", [40, 60, 80, 100, 120, 160])
@pytest.mark.parametrize("processors", [1, 2, 3, 4, 8])
def test_no_line_is_wider_than_asked(width: int, processors: int) -> None:
    steps = tuple(
        replace(step, processor=f"P{number % processors}" if step.processor else "")
        for number, step in enumerate(DEAD_INTERRUPT.steps * 3)
    )
    text = render(replace(DEAD_INTERRUPT, steps=steps), Style(width))
    assert max(map(len, text.splitlines())) <= width


def test_program_counters_and_placements_are_not_shown() -> None:
    text = render(DEAD_INTERRUPT)
    assert "at StartDevice:" not in text
    assert "41:1" not in text
    assert "processor of" not in text


def test_characters_outside_ascii_are_spelt_out() -> None:
    step = Step(0, "grüßt", "Start", "P0", 0, (), Source("a.py", 1, "Start", "x = 'ß'"))
    text = render(replace(DEAD_INTERRUPT, steps=(step,)), Style(ascii_only=True))
    assert "gr\\xfc\\xdft" in text


@pytest.mark.parametrize(
    ("irql", "text"), [(0, "PASSIVE"), (1, "APC"), (2, "DISPATCH"), (7, "DIRQL 7"), (15, "HIGH")]
)
def test_levels(irql: int, text: str) -> None:
    assert level_text(irql) == text


def test_what_windows_does() -> None:
    violation = DEAD_INTERRUPT.violation
    assert consequence(violation) == "bug check 0xD1 DRIVER_IRQL_NOT_LESS_OR_EQUAL"
    assert consequence(replace(violation, bug_check="hang")) == "hang"
    assert consequence(STUCK.violation) == "hang"
    assert consequence(DATA_RACE.violation).startswith("no bug check")


def test_a_thread_that_stops_floating_is_shown_where_it_lands(
    snapshot: SnapshotAssertion,
) -> None:
    acquire = Source("a.py", 5, "Start", "KeAcquireSpinLock(self.lock, OldIrql)")
    raised = (("processor of Start", "none", "P1"),)
    steps = (
        Step(0, "KeAcquireSpinLock", "Start", "P0", 0, raised, acquire),
        Step(
            1,
            "KeAcquireSpinLock takes lock",
            "Start",
            "P1",
            2,
            (("owner of lock", "none", "Start"), ("nic never quiet on P1", True, False)),
            acquire,
        ),
        Step(2, "writes driver.x", "Start", "P1", 2, (("driver.x", 0, 1),), Source()),
    )
    assert render(replace(DEAD_INTERRUPT, steps=steps), Style(80)) == snapshot
