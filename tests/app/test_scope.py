"""What a verdict says it covers."""

from dataclasses import replace

import pytest

from dirql.app.defaults import Default
from dirql.app.not_asked import NotAsked
from dirql.app.scope import Found, rests_on, scope_of
from dirql.model.domain import Boolean
from dirql.model.driver import Object, Program
from dirql.model.expr import Constant
from dirql.model.kernel.knobs import make_knobs
from dirql.model.machine import Context, ContextKind, Machine, Source, Variable
from dirql.model.routine import Call, Node, Return, Routine
from dirql.model.system import Notes
from dirql.properties import PROPERTIES

from ..properties.systems import EMPTY

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
SYSTEM = replace(EMPTY, machine=MACHINE, notes=Notes(knobs=frozenset({"out_pointer_before_arm"})))


def test_contexts_knobs_properties() -> None:
    assert scope_of(SYSTEM, PROGRAM, make_knobs({}), None) == (
        "threads Start, Stop",
        "DPCs",
        "nic interrupt, uart interrupt on P0",
        "hardware",
        "out_pointer_before_arm: both answers",
        f"all {len(PROPERTIES)} properties",
    )


def test_properties_that_ask_nothing_are_named_with_the_reason() -> None:
    reason, other = "the scenario has no `finally_`", "Poll loops for ever"
    found = Found(
        not_asked=(
            NotAsked("unserviced-cause", "nic declares no `waiting` routine"),
            NotAsked("interrupt-left-connected", reason),
            NotAsked("queue-left-pending", reason),
            NotAsked("data-race", other, only_after_failed_start=True),
        )
    )
    phrases = scope_of(SYSTEM, PROGRAM, make_knobs({}), None, found)
    assert phrases[-3:] == (
        "lost interrupts not checked (nic declares no `waiting` routine)",
        f"not asked: interrupt-left-connected, queue-left-pending ({reason})",
        f"asked only after a start that failed: data-race ({other})",
    )


def test_what_a_verdict_rests_on() -> None:
    found = (
        Default("disconnect_waits_for_isr", "yes", "no", "violated", "use-after-unmap"),
        Default("chain_order", "own_first", "foreign_first", "holds"),
        Default("spurious_calls", "no", "yes", "holds"),
        Default("dpc_any_cpu", "no", "yes", "not compared"),
    )
    knob = "disconnect_waits_for_isr"
    assert tuple(rests_on(found)) == (
        f"rests on {knob}=yes (with {knob}=no: violated use-after-unmap)",
        "also holds with chain_order=foreign_first, spurious_calls=yes",
        "not compared with dpc_any_cpu=yes",
    )


def test_a_thread_that_cannot_end() -> None:
    system = replace(SYSTEM, notes=Notes(endless=("Start",)))
    assert "Start loops for ever" in scope_of(system, PROGRAM, make_knobs({}), None)


def test_a_long_list_of_names_is_counted() -> None:
    threads = tuple(context(f"LongRoutineName{number}", ContextKind.THREAD) for number in range(5))
    system = replace(SYSTEM, machine=replace(MACHINE, contexts=threads))
    assert scope_of(system, PROGRAM, make_knobs({}), None)[0] == "5 threads"


@pytest.mark.parametrize("ready", [True, False])
def test_a_lock_that_is_never_initialised(*, ready: bool) -> None:
    calls = ["KeAcquireSpinLockAtDpcLevel", *(["KeInitializeSpinLock"] if ready else [])]
    nodes = tuple(Node(Call(None, Constant(name), (Constant("Lock"),)), Source()) for name in calls)
    routine = Routine("Start", (), (*nodes, Node(Return(), Source())), Source())
    program = Program("fake", (Object("Lock", "KSPIN_LOCK"),), (routine,), ())
    phrases = scope_of(SYSTEM, program, make_knobs({}), None)
    assert ("Lock assumed to be initialised elsewhere" in phrases) is not ready


@pytest.mark.parametrize("ready", [True, False])
def test_a_lock_that_is_handed_to_a_connect_call(*, ready: bool) -> None:
    nodes = (Node(Call(None, Constant("KeInitializeSpinLock"), (Constant("Lock"),)), Source()),)
    routine = Routine(
        "Start", (), (*nodes[: 1 if ready else 0], Node(Return(), Source())), Source()
    )
    program = Program("fake", (Object("Lock", "KSPIN_LOCK"),), (routine,), ())
    system = replace(SYSTEM, notes=Notes(locks=("Lock",)))
    phrases = scope_of(system, program, make_knobs({}), None)
    assert ("Lock assumed to be initialised elsewhere" in phrases) is not ready


@pytest.mark.parametrize(
    ("setting", "phrase"),
    [("yes", "knob dpc_any_cpu=yes"), ("no", "out_pointer_before_arm: both answers")],
)
def test_knobs_that_are_not_at_their_defaults(setting: str, phrase: str) -> None:
    knobs = make_knobs({"dpc_any_cpu": setting})
    found = Found(cutting_rules=("irql-too-high",))
    phrases = scope_of(SYSTEM, PROGRAM, knobs, ("data-race",), found)
    assert phrase in phrases
    assert "only data-race" in phrases
    cut = "behaviours end where these rules, not asked for, are broken: irql-too-high"
    assert phrases[-1] == cut
