"""Which other answers of a knob can take a verdict away, and which knobs a machine depends on."""

import pytest

from dirql.model.compiler import compile_system
from dirql.model.kernel.knobs import (
    KNOBS,
    WIDEST,
    Knob,
    NotedKnobs,
    find_knob,
    make_knobs,
    other_answers,
)

from ..language.loading import load_text, with_body


def test_the_widest_answers_are_answers() -> None:
    for name, value in WIDEST.items():
        assert value in find_knob(name).values


@pytest.mark.parametrize("knob", KNOBS, ids=lambda knob: knob.name)
def test_only_what_allows_more_is_another_answer(knob: Knob) -> None:
    for value in knob.values:
        others = other_answers(knob, value)
        assert value not in others
        assert "either" not in others
        if knob.name in WIDEST:
            assert others == (() if value == WIDEST[knob.name] else (WIDEST[knob.name],))
        elif value == "either":
            assert others == ()
        else:
            assert set(others) == set(knob.values) - {value, "either"}


def test_knobs_note_who_was_asked() -> None:
    knobs = NotedKnobs(make_knobs({"dpc_any_cpu": "yes"}).settings)
    assert knobs["dpc_any_cpu"] == "yes"
    assert knobs.allows("disconnect_waits_for_isr", "yes")
    assert knobs.asked == {"dpc_any_cpu", "disconnect_waits_for_isr"}


def test_a_machine_depends_on_the_knobs_that_its_calls_ask_for() -> None:
    pattern = load_text(with_body("IoConnectInterrupt(self.Interrupt, self.Isr)", ISR))
    notes = compile_system(pattern.program, pattern.scenarios[0], 1).notes
    assert {"connect_may_fail", "spurious_calls"} <= notes.knobs
    assert not {"weak_remove_queue_dpc", "latched_chain", "edge_while_inactive"} & notes.knobs
    assert notes.endless == ()


ISR = """
def Isr(self, Interrupt, ServiceContext):
    return self.nic.read_and_clear()
"""
