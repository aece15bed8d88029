"""What a verdict says it covers."""

from dataclasses import replace

import pytest

from dirql.app.scope import scope_of
from dirql.model.domain import Boolean
from dirql.model.driver import Program
from dirql.model.expr import Constant
from dirql.model.kernel.knobs import make_knobs
from dirql.model.machine import Context, ContextKind, Machine, Variable
from dirql.properties import PROPERTIES

NOWHERE = Constant("none")
PROGRAM = Program("fake", (), (), ())


def context(name: str, kind: ContextKind) -> Context:
    """A context that nothing is known of."""
    return Context(name, kind, "", NOWHERE, Constant(0))


MACHINE = Machine(
    "fake",
    (Variable("done", Boolean(), (False,)),),
    (),
    (
        context("Start", ContextKind.THREAD),
        context("Stop", ContextKind.THREAD),
        context("DPC@P0", ContextKind.DPC),
        context("nic interrupt@P0", ContextKind.ISR),
        context("uart interrupt@P0", ContextKind.ISR),
        context("DPC@P1", ContextKind.DPC),
        context("nic interrupt@P1", ContextKind.ISR),
        context("hardware", ContextKind.HARDWARE),
    ),
)


def test_contexts_knobs_properties() -> None:
    assert scope_of(MACHINE, PROGRAM, make_knobs({}), None, ()) == (
        "threads Start, Stop",
        "DPCs",
        "nic interrupt, uart interrupt on P0",
        "hardware",
        "knob out_pointer_before_arm both ways",
        f"all {len(PROPERTIES)} properties",
    )


def test_a_long_list_of_names_is_counted() -> None:
    threads = tuple(context(f"LongRoutineName{number}", ContextKind.THREAD) for number in range(5))
    machine = replace(MACHINE, contexts=threads)
    assert scope_of(machine, PROGRAM, make_knobs({}), None, ())[0] == "5 threads"


@pytest.mark.parametrize(
    ("setting", "phrase"),
    [("yes", "knob dpc_any_cpu=yes"), ("no", "knob out_pointer_before_arm both ways")],
)
def test_knobs_that_are_not_at_their_defaults(setting: str, phrase: str) -> None:
    knobs = make_knobs({"dpc_any_cpu": setting})
    phrases = scope_of(MACHINE, PROGRAM, knobs, ("data-race",), ("irql-too-high",))
    assert phrase in phrases
    assert "only data-race" in phrases
    cut = "behaviours end where these rules, not asked for, are broken: irql-too-high"
    assert phrases[-1] == cut
