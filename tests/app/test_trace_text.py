"""The text form of traces."""

import re
from dataclasses import replace
from pathlib import Path

import click
import pytest
from syrupy.assertion import SnapshotAssertion

from dirql.app import toolbox
from dirql.app.answers import prepare
from dirql.app.printing import shown
from dirql.app.questions import Options, Question
from dirql.app.trace_end import consequence
from dirql.app.trace_text import Style, render
from dirql.app.trace_words import level_text
from dirql.explorer.engine import NO_LIMITS
from dirql.explorer.trace import Trace, Violation
from dirql.explorer.verdict import Violated
from dirql.model.machine import MODEL_BOUND, Source

from .traces import DATA_RACE, DEAD_INTERRUPT, ISR, LOCK, SPIN_LOCKS, STUCK, counter, line, step

PCIDRV_STOP = Path(__file__).parents[2] / "patterns" / "pcidrv_stop.py"


@pytest.fixture(scope="module")
def real() -> Trace:
    """The trace of a real pattern."""
    machine = prepare(Question(str(PCIDRV_STOP), "scenario", 2, Options())).machine
    verdict = (
        toolbox.engine(toolbox.EngineChoice("reference")).check(machine, NO_LIMITS, None).verdict
    )
    assert isinstance(verdict, Violated)
    return verdict.trace


@pytest.mark.parametrize("width", [120, 100, 80])
def test_lanes(width: int, snapshot: SnapshotAssertion) -> None:
    assert render(DEAD_INTERRUPT, Style(width)) == snapshot


def test_narrow_terminals_get_one_column(snapshot: SnapshotAssertion) -> None:
    assert render(DEAD_INTERRUPT, Style(60)) == snapshot


def test_plain_ascii(snapshot: SnapshotAssertion) -> None:
    text = render(DEAD_INTERRUPT, Style(100, ascii_only=True))
    assert text.isascii()
    assert text == snapshot


def test_levels_that_rise_and_fall(snapshot: SnapshotAssertion) -> None:
    assert render(SPIN_LOCKS, Style(100)) == snapshot


def test_a_race_names_both_contexts(snapshot: SnapshotAssertion) -> None:
    assert render(DATA_RACE, Style(100)) == snapshot


def test_locals_have_no_value_at_the_start() -> None:
    own = ("ReadStatistics.ReadStatistics.%1", 2)
    trace = replace(
        DEAD_INTERRUPT,
        initial=(*DEAD_INTERRUPT.initial, ("at ReadStatistics", "not started"), own),
    )
    assert render(trace, Style(100)) == render(DEAD_INTERRUPT, Style(100))


def test_a_trace_without_steps(snapshot: SnapshotAssertion) -> None:
    assert render(STUCK, Style(100)) == snapshot


def test_a_real_trace_is_short(real: Trace) -> None:
    lines = render(real, Style(100)).splitlines()
    assert len(real.steps) == 27
    assert len(lines) <= 60
    numbered = [int(found[1]) for text in lines if (found := re.match(r" ?(\d+)  ", text))]
    assert numbered == list(range(1, 28))


@pytest.mark.parametrize("width", [40, 60, 80, 100, 160])
def test_nothing_is_cut(real: Trace, width: int) -> None:
    lanes = 0 if width < 80 else len(" 1  0→DIRQL 7   0→DIRQL 7   hardware  ")
    text = "".join(text[lanes:] for text in render(real, Style(width)).splitlines())
    shown = re.sub(r"\s", "", text)
    if not lanes:
        shown = re.sub(r"\d+P\d(\d→)?(PASSIVE|DISPATCH|DIRQL7)", "", shown)
    for item in real.steps:
        if item.context != "hardware" and item.name != "IRQL falls":
            assert re.sub(r"\s", "", item.source.text) in shown


@pytest.mark.parametrize("width", [40, 60, 80, 100, 120, 160])
@pytest.mark.parametrize("processors", [1, 2, 3, 4, 8])
@pytest.mark.parametrize("trace", [DEAD_INTERRUPT, SPIN_LOCKS])
def test_no_line_is_wider_than_asked(width: int, processors: int, trace: Trace) -> None:
    steps = tuple(
        replace(step, processor=f"P{number % processors}" if step.processor else "")
        for number, step in enumerate(trace.steps * 3)
    )
    text = render(replace(trace, steps=steps), Style(width))
    assert max(map(len, text.splitlines())) <= width


def test_bookkeeping_is_not_shown() -> None:
    for trace in (DEAD_INTERRUPT, SPIN_LOCKS):
        text = render(trace)
        for word in ("at StartDevice", "start", "processor of", "never quiet", "owner of", "%1"):
            assert word not in text.replace("at the start", "").replace("dpc starts", "")


def test_colours_are_only_added(real: Trace) -> None:
    for trace in (real, DEAD_INTERRUPT, SPIN_LOCKS, STUCK):
        coloured = shown(render(trace, Style(100, colour=True)))
        assert "\x1b[31m" in coloured
        lines = [text.rstrip() for text in click.unstyle(coloured).splitlines()]
        assert lines == render(trace, Style(100)).splitlines()


def test_a_value_that_is_read_is_the_one_before_the_step() -> None:
    said = render(DEAD_INTERRUPT, Style(100))
    assert "NICIsr:47  if not self.nic.cause:   reads nic.cause (= 1)" in said


def test_a_write_that_changes_nothing() -> None:
    write = step("writes nic.masked", "Start", ("P0", 0), source=line(3, "Start", "mask()"))
    trace = replace(DEAD_INTERRUPT, steps=(write, write))
    first, second = render(trace).splitlines()[3:5]
    assert first.endswith("Start:3  mask()   nic.masked stays 1")
    assert second.endswith("  writes nic.masked; !! synchronize-on-dead-interrupt")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ((LOCK, "none", ISR), "lock of NICIsr interrupt: taken"),
        ((LOCK, ISR, "none"), "lock of NICIsr interrupt: released"),
        (("dpc queued on", "none", "P1"), "dpc queued on P1"),
        (("dpc queued on", "P1", "none"), "dpc is dequeued"),
        (("NICIsr interrupt is", "unused", "armed"), "NICIsr interrupt: unused → armed"),
        (("event signalled", False, True), "event signalled: no → yes"),
        (("driver.Started", 0, 1), "Started: 0 → 1"),
        (("Start.Start.count", 0, 1), "count = 1"),
    ],
)
def test_changes_in_words(change: tuple[str, int | str, int | str], said: str) -> None:
    changed = step("KeSomething", "Start", ("P0", 0), change)
    trace = replace(DEAD_INTERRUPT, steps=(changed, changed))
    assert f"Start: KeSomething; {said}\n" in render(trace)


def test_a_service_routine_accepted_last_has_no_known_level() -> None:
    trace = replace(DEAD_INTERRUPT, steps=DEAD_INTERRUPT.steps[:4], violation=STUCK.violation)
    assert "0→DIRQL  " in render(trace)
    accepted = replace(STUCK.violation, detail=f"{ISR} can never finish", contexts=(ISR,))
    text = render(replace(trace, violation=accepted), Style(160))
    assert "after step 4 (nic interrupt on P1 at DIRQL) nic interrupt on P1 can never" in text


def test_levels_are_learnt_from_the_same_slot_on_another_processor() -> None:
    other = "nic interrupt@P0"
    accepted = step("nic interrupt accepted", other, ("P0", 0), counter(other, "idle", "NICIsr:47"))
    initial = (*DEAD_INTERRUPT.initial, (f"at {other}", "idle"))
    steps = (*DEAD_INTERRUPT.steps[:6], accepted)
    text = render(replace(DEAD_INTERRUPT, initial=initial, steps=steps), Style(100))
    assert " 7  0→DIRQL 7  │" in text


def test_an_interrupt_shows_what_it_interrupts() -> None:
    steps = (*DEAD_INTERRUPT.steps[:6], *DEAD_INTERRUPT.steps[7:11], *DEAD_INTERRUPT.steps[2:5])
    text = render(replace(DEAD_INTERRUPT, steps=steps, violation=STUCK.violation), Style(100))
    assert "7→PASSIVE" in text
    assert "0→DISPATCH" in text
    assert "2→DIRQL 7" in text


def test_the_sentence_places_the_contexts_that_the_detail_names() -> None:
    deadlock = Violation(
        "preemption-deadlock",
        f"{ISR} spins for driver.lock, and interrupted its owner",
        "0x133 DPC_WATCHDOG_VIOLATION",
        at_step=False,
    )
    trace = replace(DEAD_INTERRUPT, steps=DEAD_INTERRUPT.steps[:5], violation=deadlock)
    end = render(trace, Style(400)).splitlines()[-1]
    assert end.startswith(
        "preemption-deadlock (crash): after step 5 (nic interrupt on P1 at DIRQL 7, NICIsr:47) "
        "nic interrupt on P1 spins for lock, and interrupted its owner; on Windows: bug check 0x133"
    )


def test_a_sentence_that_names_nobody_says_who_moved_last() -> None:
    unserviced = Violation("unserviced-cause", "nobody will notice", "", at_step=False)
    trace = replace(DEAD_INTERRUPT, steps=DEAD_INTERRUPT.steps[:3], violation=unserviced)
    assert "after step 3 (hardware, nic.packet_arrives:30) nobody will" in render(trace, Style(160))


def test_characters_outside_ascii_are_spelt_out() -> None:
    odd = step("grüßt", "Start", ("P0", 0), source=Source("a.py", 1, "Start", "x = 'ß'"))
    text = render(replace(DEAD_INTERRUPT, steps=(odd,)), Style(ascii_only=True))
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


def test_a_limit_of_the_model_is_nothing_that_windows_does() -> None:
    violation = replace(DEAD_INTERRUPT.violation, property=MODEL_BOUND, bug_check="")
    text = render(replace(DEAD_INTERRUPT, violation=violation), Style(120))
    assert "model-bound: " in text
    assert "on Windows" not in text
