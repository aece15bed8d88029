"""What is asked at rest is asked of drivers that never come to rest as well."""

from dataclasses import replace
from textwrap import dedent, indent

import pytest

from dirql.explorer.native import NativeEngine, NoCache
from dirql.explorer.reference import ReferenceEngine
from dirql.explorer.replay import replay
from dirql.explorer.symbolic.bounded import BoundedEngine
from dirql.explorer.symbolic.induction import prove
from dirql.explorer.symbolic.proof import Kind as GoalKind
from dirql.explorer.verdict import Violated
from dirql.model.compiler import compile_system
from dirql.model.domain import Boolean
from dirql.model.expr import FALSE, TRUE, Constant, Read
from dirql.model.machine import (
    Context,
    ContextKind,
    Invariant,
    Machine,
    Progress,
    Transition,
    Variable,
)
from dirql.model.system import System
from dirql.properties import PROPERTIES, AtRest, Kind, Property, apply
from dirql.properties.property import AloneAtRestError

from ..language.loading import load_text
from .systems import EMPTY

HEADER = '''"""A driver that may never come to rest."""
from dirql.model.wdk import *


class Nic(Device):
    cause = Bit(0)
    enabled = Bit(0)

    def line(self):
        return self.cause and self.enabled

    @hardware
    def event(self):
        self.cause = 1

    def ack(self):
        had = self.cause and self.enabled
        if had:
            self.cause = 0
        return had


class D(Driver):
    nic = Nic(Line(irql=7))
    Interrupt = PKINTERRUPT()
    Second = PKINTERRUPT()
    Dpc = KDPC()
    Timer = KTIMER()
    Pdo = DEVICE_OBJECT()
    Item = IO_WORKITEM()
    flag = Bit(0, volatile=True)

    def Isr(self, Interrupt, ServiceContext):
        return self.nic.ack()

'''
CONNECTS = """
KeInitializeDpc(self.Dpc, self.Work)
KeInitializeTimer(self.Timer)
status = IoConnectInterrupt(self.Interrupt, self.Isr)
if not NT_SUCCESS(status):
    return status
self.nic.enabled = 1
return STATUS_SUCCESS
"""
DISCONNECTS = """
if not self.Interrupt:
    return
self.nic.enabled = 0
IoDisconnectInterrupt(self.Interrupt)
"""
ONLY_MASKS = "self.nic.enabled = 0\n"
QUEUES_ITSELF = "KeInsertQueueDpc(self.Dpc)\n"
QUEUES_ITEM = "IoQueueWorkItem(self.Item, self.ItemRoutine, DelayedWorkQueue)\n"
SLEEPS_FOR_EVER = "while TRUE:\n    KeDelayExecutionThread(KernelMode, FALSE, 1)\n"

RESTLESS = {
    "a DPC queues itself": (QUEUES_ITSELF, "pass", QUEUES_ITSELF),
    "a work item queues itself": (QUEUES_ITEM, QUEUES_ITEM, "pass"),
    "a DPC and a work item queue each other": (QUEUES_ITSELF, QUEUES_ITSELF, QUEUES_ITEM),
    "a work item polls": (QUEUES_ITEM, SLEEPS_FOR_EVER, "pass"),
    "a flag that nobody clears": (
        "self.flag = 1\n" + QUEUES_ITSELF,
        "pass",
        f"if self.flag:\n    {QUEUES_ITSELF}",
    ),
}
"""(thread, work item, DPC) of drivers that never come to rest."""

RESTFUL = {
    "a flag that is cleared": (
        f"self.flag = 1\n{QUEUES_ITSELF}self.flag = 0\n",
        "pass",
        f"if self.flag:\n    {QUEUES_ITSELF}",
    ),
    "a choice": (QUEUES_ITSELF, "pass", f"if choose(0, 1):\n    {QUEUES_ITSELF}"),
    "until the device answers": (
        QUEUES_ITSELF,
        "pass",
        f"if not self.nic.cause:\n    {QUEUES_ITSELF}",
    ),
}
"""The same of drivers that can come to rest."""

ARMED = {
    "a timer and its DPC": ("KeSetTimer(self.Timer, 1, self.Dpc)\n",) * 2,
    "a periodic timer": ("KeSetTimerEx(self.Timer, 1, 10, self.Dpc)\n", "pass"),
}
"""(thread, DPC) of drivers that rest while a timer is armed."""


def routine(head: str, body: str) -> str:
    """A routine of the driver."""
    return f"    def {head}:\n{indent(dedent(body).strip(), ' ' * 8)}\n\n"


def system_of(start: str, bodies: tuple[str, str, str], stop: str, processors: int = 2) -> System:
    """A driver by its start, its (thread, work item, DPC), and its last routine, empty for none."""
    thread, item, dpc = bodies
    text = HEADER
    text += routine("Start(self)", start)
    text += routine("Go(self)", thread)
    text += routine("ItemRoutine(self, DeviceObject, Context)", item)
    text += routine("Work(self, Dpc, Context)", dpc)
    text += routine("Stop(self)", stop or "return")
    last = ", finally_=D.Stop" if stop else ""
    text += f"\nscenario = Scenario(start=D.Start, concurrently=[D.Go]{last})\n"
    pattern = load_text(text)
    return compile_system(pattern.program, pattern.scenarios[0], processors)


def answer(system: System, *names: str) -> str:
    """The property that is violated, confirmed by replay, or `holds`."""
    machine = apply(system, names or None)
    found = [engine.check(machine).verdict for engine in (ReferenceEngine(), native())]
    said = {item.property if isinstance(item, Violated) else "holds" for item in found}
    for item in found:
        if isinstance(item, Violated):
            replay(machine, item.trace)
    (only,) = said
    return only


def native() -> NativeEngine:
    """The engine that compiles."""
    return NativeEngine(NoCache())


@pytest.mark.parametrize("name", RESTLESS)
def test_a_restless_driver_leaves_its_interrupt_connected(name: str) -> None:
    system = system_of(CONNECTS, RESTLESS[name], ONLY_MASKS)
    assert answer(system) == "interrupt-left-connected"
    assert answer(system, "interrupt-left-connected") == "interrupt-left-connected"


@pytest.mark.parametrize("name", RESTLESS)
def test_a_restless_driver_that_disconnects_leaves_its_queue_pending(name: str) -> None:
    system = system_of(CONNECTS, RESTLESS[name], DISCONNECTS)
    assert answer(system) == "queue-left-pending"
    assert answer(system, "interrupt-left-connected") == "holds"


@pytest.mark.parametrize("name", RESTFUL)
def test_a_driver_that_can_come_to_rest_is_not_blamed(name: str) -> None:
    assert answer(system_of(CONNECTS, RESTFUL[name], DISCONNECTS)) == "holds"
    assert answer(system_of(CONNECTS, RESTFUL[name], ONLY_MASKS)) == "interrupt-left-connected"


@pytest.mark.parametrize("name", ARMED)
def test_an_armed_timer_is_at_rest(name: str) -> None:
    thread, dpc = ARMED[name]
    assert answer(system_of(CONNECTS, (thread, "pass", dpc), DISCONNECTS)) == "queue-left-pending"


TWICE = """
KeInitializeDpc(self.Dpc, self.Work)
KeInitializeTimer(self.Timer)
status = IoConnectInterrupt(self.Interrupt, self.Isr)
if not NT_SUCCESS(status):
    return status
status = IoConnectInterrupt(self.Second, self.Isr)
if not NT_SUCCESS(status):
    UNDO
    return status
self.nic.enabled = 1
return STATUS_SUCCESS
"""
IDLE = ("pass", "pass", "pass")

FAILED_STARTS = {
    "the second connect": (TWICE.replace("UNDO", "pass"), "interrupt-left-connected"),
    "the second connect, undone": (
        TWICE.replace("UNDO", "IoDisconnectInterrupt(self.Interrupt)"),
        "holds",
    ),
    "something after the connect": (
        CONNECTS.replace(
            "self.nic.enabled = 1", "if choose(0, 1):\n    return STATUS_INSUFFICIENT_RESOURCES"
        ),
        "interrupt-left-connected",
    ),
    "the connect after a timer was set": (
        CONNECTS.replace("status =", "KeSetTimer(self.Timer, 1, self.Dpc)\nstatus =", 1),
        "queue-left-pending",
    ),
    "the connect after a DPC was queued that runs once": (
        CONNECTS.replace("status =", QUEUES_ITSELF + "status =", 1),
        "holds",
    ),
    "the connect after a work item was queued that queues itself": (
        CONNECTS.replace("status =", QUEUES_ITEM + "status =", 1),
        "queue-left-pending",
    ),
}


@pytest.mark.parametrize("name", FAILED_STARTS)
def test_a_start_that_fails_undoes_what_it_did(name: str) -> None:
    start, wanted = FAILED_STARTS[name]
    bodies = ("pass", QUEUES_ITEM, "pass") if QUEUES_ITEM in start else IDLE
    start = start.replace("self.Isr)", "self.Isr, Vector=113, ShareVector=FALSE)")
    assert answer(system_of(start, bodies, "", processors=1)) == wanted


def test_where_there_is_a_last_routine_it_undoes_what_a_failed_start_left() -> None:
    start, _ = FAILED_STARTS["something after the connect"]
    assert answer(system_of(start, IDLE, DISCONNECTS, processors=1)) == "holds"


TWO_DPCS = '''"""Two DPCs that queue each other."""
from dirql.model.wdk import *


class D(Driver):
    A = KDPC()
    B = KDPC()

    def Start(self):
        KeInitializeDpc(self.A, self.WorkA)
        KeInitializeDpc(self.B, self.WorkB)
        return STATUS_SUCCESS

    def Go(self):
        KeInsertQueueDpc(self.A)

    def WorkA(self, Dpc, Context):
        KeInsertQueueDpc(self.B)

    def WorkB(self, Dpc, Context):
        KeInsertQueueDpc(self.A)

    def Stop(self):
        return


scenario = Scenario(start=D.Start, concurrently=[D.Go], finally_=D.Stop)
'''


def test_all_readers_agree_about_two_dpcs_that_queue_each_other() -> None:
    pattern = load_text(TWO_DPCS)
    machine = apply(compile_system(pattern.program, pattern.scenarios[0], 2))
    for engine in (ReferenceEngine(), native(), BoundedEngine()):
        verdict = engine.check(machine).verdict
        assert isinstance(verdict, Violated)
        assert verdict.property == "queue-left-pending"
        assert len(verdict.trace.steps) == 4
        assert "never comes to rest" in verdict.trace.violation.detail
        assert verdict.trace.violation.bug_check.startswith("0xCE ")


def test_induction_proves_a_companion_only_where_nothing_is_waited_for() -> None:
    """A flag that nothing sets is never left behind; one that may be set is beyond induction."""
    device = Context("device", ContextKind.HARDWARE, "", Constant("none"), Constant(0))
    flag = Variable("flag", Boolean(), (False,))
    left = AtRest("left", Read("flag"), FALSE, "it is left", "it is left, without rest")
    for value, proved in ((FALSE, True), (TRUE, False)):
        step = Transition("goes round", "device", (), (("flag", value),))
        machine = Machine("flag", (flag,), (step,), (device,))
        conditions = left.conditions(machine)
        machine = replace(
            machine,
            invariants=tuple(item for item in conditions if isinstance(item, Invariant)),
            progress=tuple(item for item in conditions if isinstance(item, Progress)),
        )
        goals = prove(machine).goals
        assert {goal.kind: goal.proved for goal in goals} == {
            GoalKind.QUIESCENT: True,
            GoalKind.PROGRESS: proved,
        }


LOSES = '''"""A driver that may lose what its device holds, beside a thread."""
from dirql.model.wdk import *


class Nic(Device):
    cause = Bit(0)
    work = Bit(0)
    enabled = Bit(0)

    def line(self):
        return self.cause and self.enabled

    def waiting(self):
        return self.work

    @hardware
    def event(self):
        self.cause = 1
        self.work = 1

    def ack(self):
        had = self.cause and self.enabled
        if had:
            self.cause = 0
        return had

    def serve(self):
        self.work = 0


class D(Driver):
    nic = Nic(Line(irql=7))
    Interrupt = PKINTERRUPT()
    Dpc = KDPC()

    def Start(self):
        KeInitializeDpc(self.Dpc, self.Work)
        status = IoConnectInterrupt(self.Interrupt, self.Isr)
        if not NT_SUCCESS(status):
            return status
        self.nic.enabled = 1
        return STATUS_SUCCESS

    def Isr(self, Interrupt, ServiceContext):
        if not self.nic.ack():
            return FALSE
        KeInsertQueueDpc(self.Dpc)
        return TRUE

    def Polls(self):
        while TRUE:
            KeDelayExecutionThread(KernelMode, FALSE, 1)

    def PollsAndServes(self):
        while TRUE:
            KeDelayExecutionThread(KernelMode, FALSE, 1)
            self.nic.serve()

    def Ends(self):
        return

    def Work(self, Dpc, Context):
        DEFERRED


scenario = Scenario(start=D.Start, concurrently=[D.THREAD])
'''
SERVES = "self.nic.serve()"
SERVES_OR_NOT = f"if choose(0, 1):\n            {SERVES}"


@pytest.mark.parametrize("thread", ["Polls", "PollsAndServes", "Ends"])
@pytest.mark.parametrize("deferred", [SERVES, SERVES_OR_NOT])
def test_what_only_another_event_would_notice_is_lost(thread: str, deferred: str) -> None:
    pattern = load_text(LOSES.replace("DEFERRED", deferred).replace("THREAD", thread))
    system = compile_system(pattern.program, pattern.scenarios[0], 1)
    lost = deferred == SERVES_OR_NOT and thread != "PollsAndServes"
    assert answer(system) == ("unserviced-cause" if lost else "holds")


def test_a_spontaneous_step_is_no_way_to_what_is_owed() -> None:
    """All readers agree; a condition that counts such steps holds."""
    device = Context("device", ContextKind.HARDWARE, "", Constant("none"), Constant(0))
    flag = Variable("flag", Boolean(), (False,))
    event = Transition("event", "device", (), (("flag", TRUE),), spontaneous=True)
    again = Transition("goes round", "device", (), ())
    for owed in (False, True):
        wish = Progress("left", "device", TRUE, Read("flag"), quiescent=True, owed=owed)
        machine = Machine("event", (flag,), (event, again), (device,), progress=(wish,))
        for engine in (ReferenceEngine(), native(), BoundedEngine()):
            assert isinstance(engine.check(machine).verdict, Violated) is owed


# By construction.


def test_every_condition_at_rest_has_its_companion() -> None:
    machine = apply(system_of(CONNECTS, RESTFUL["a choice"], DISCONNECTS, processors=1))
    asked = {item.property for item in machine.invariants if item.quiescent}
    assert asked == {"interrupt-left-connected", "queue-left-pending"}
    for invariant in machine.invariants:
        if invariant.quiescent:
            assert any(
                item.quiescent and item.property == invariant.property for item in machine.progress
            )


def test_properties_at_rest_state_nothing_else() -> None:
    system = system_of(CONNECTS, IDLE, DISCONNECTS, processors=1)
    for item in PROPERTIES:
        conditions = item.function(system)
        if item.kind is Kind.QUIESCENT:
            assert all(isinstance(condition, AtRest) for condition in conditions)
        else:
            assert not any(isinstance(condition, AtRest) for condition in conditions)


def test_a_condition_at_rest_alone_is_refused() -> None:
    def left_behind(_system: System) -> tuple[Invariant, ...]:
        """Something is left behind."""
        return (Invariant("left-behind", TRUE, quiescent=True),)

    with pytest.raises(AloneAtRestError, match="left-behind states a quiescent invariant"):
        Property(Kind.QUIESCENT, left_behind).conditions(EMPTY)


def test_a_lucky_step_that_is_owed_keeps_a_state_from_resting() -> None:
    """It is no way to the goal either: nobody may rely on it."""
    device = Context("device", ContextKind.HARDWARE, "", Constant("none"), Constant(0))
    step = Transition("goes round", "device", (), (), lucky=True)
    wish = Progress("left", "device", TRUE, FALSE, quiescent=True)
    machine = Machine("lucky", (), (step,), (device,), progress=(wish,))
    for engine in (ReferenceEngine(), native(), BoundedEngine()):
        assert isinstance(engine.check(machine).verdict, Violated)
