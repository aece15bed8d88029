"""What a verdict says it covers."""

from dataclasses import replace

import pytest

from dirql.app.scope import scope_of
from dirql.model.domain import Boolean, Enumeration
from dirql.model.driver import Device, Line, Object, Program
from dirql.model.expr import Constant
from dirql.model.kernel.knobs import make_knobs
from dirql.model.machine import Context, ContextKind, Machine, Source, Transition, Variable
from dirql.model.routine import Call, Node, Return, Routine
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


@pytest.mark.parametrize("asked", [None, ("unserviced-cause",)])
def test_a_device_that_does_not_say_what_it_holds(asked: tuple[str, ...] | None) -> None:
    line = Line("nic", 7, 0x71, latched=False, shared=False)
    silent = replace(PROGRAM, devices=(Device("nic", line, "nic.line", "", ()),))
    phrase = "lost interrupts not looked for: nic has no waiting routine"
    assert phrase in scope_of(MACHINE, silent, make_knobs({}), asked, ())
    assert phrase not in scope_of(MACHINE, silent, make_knobs({}), ("data-race",), ())
    telling = replace(PROGRAM, devices=(Device("nic", line, "nic.line", "nic.waiting", ()),))
    assert phrase not in scope_of(MACHINE, telling, make_knobs({}), asked, ())


def test_a_thread_that_cannot_end() -> None:
    polling = replace(context("Poll", ContextKind.THREAD), counter="at Poll")
    leaving = replace(context("Stop", ContextKind.THREAD), counter="at Stop")
    steps = (
        Transition("again", "Poll", (), ((polling.counter, Constant("start")),)),
        Transition("returns", "Stop", (), ((leaving.counter, Constant("done")),)),
    )
    labels = Enumeration("counter", ("done", "start"))
    counters = tuple(Variable(item.counter, labels, ("start",)) for item in (polling, leaving))
    machine = replace(MACHINE, variables=counters, contexts=(polling, leaving), transitions=steps)
    assert scope_of(machine, PROGRAM, make_knobs({}), None, ())[:2] == (
        "threads Poll, Stop",
        "Poll loops for ever",
    )


def test_a_long_list_of_names_is_counted() -> None:
    threads = tuple(context(f"LongRoutineName{number}", ContextKind.THREAD) for number in range(5))
    machine = replace(MACHINE, contexts=threads)
    assert scope_of(machine, PROGRAM, make_knobs({}), None, ())[0] == "5 threads"


@pytest.mark.parametrize("ready", [True, False])
def test_a_lock_that_is_never_initialised(*, ready: bool) -> None:
    calls = ["KeAcquireSpinLockAtDpcLevel", *(["KeInitializeSpinLock"] if ready else [])]
    nodes = tuple(Node(Call(None, Constant(name), (Constant("Lock"),)), Source()) for name in calls)
    routine = Routine("Start", (), (*nodes, Node(Return(), Source())), Source())
    program = Program("fake", (Object("Lock", "KSPIN_LOCK"),), (routine,), ())
    phrases = scope_of(MACHINE, program, make_knobs({}), None, ())
    assert ("Lock taken as initialised by code left out" in phrases) is not ready


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
