"""Races between contexts of which one stands preempted, and what is no race."""

from pathlib import Path
from textwrap import dedent, indent

import pytest

from dirql.explorer.native import NativeEngine
from dirql.explorer.reference import ReferenceEngine
from dirql.explorer.replay import replay
from dirql.explorer.verdict import Holds, Violated
from dirql.model.compiler import compile_system
from dirql.model.language import load_pattern
from dirql.model.machine import Machine
from dirql.properties import apply

FRAME = '''
from dirql.model.wdk import *


class Card(Device):
    """A cause bit and an enable bit; a card that is enabled clears its cause when acknowledged."""

    enabled = Bit(0)
    cause = Bit(0)

    def line(self):
        return self.cause and self.enabled

    @hardware
    def event(self):
        self.cause = 1

    def acknowledge(self):
        had_cause = self.cause and self.enabled
        if had_cause:
            self.cause = 0
        return had_cause


class Context(Structure):
    Status = Int(0, 3)
    Calm = Int(0, 3, volatile=True)


class Drv(Driver):
    card = Card(Line(irql=6))
    Interrupt = PKINTERRUPT()
    Dpc = KDPC()
    Lock = KSPIN_LOCK()
    ctx = Context()
    x = Int(0, 3)
    slots = Array(Int(0, 3), 2)
    calm = Int(0, 3, volatile=True)
    cells = Array(Int(0, 3, volatile=True), 2)
    done = Bit(0, volatile=True)
'''

START = """
def Start(self):
    KeInitializeDpc(self.Dpc, self.DpcForIsr)
    status = IoConnectInterrupt(self.Interrupt, self.Isr, ProcessorEnableMask=1)
    if NT_SUCCESS(status):
        self.card.enabled = 1
    return status
"""

SCENARIO = """

scenario = Scenario(start=Drv.Start{threads}, processors=[1, 2])
"""

ISR = """
def Isr(self, Interrupt, ServiceContext):
    if not self.card.acknowledge():
        return FALSE
    self.x = 1
    KeInsertQueueDpc(self.Dpc)
    return TRUE
"""

QUIET = """
def DpcForIsr(self, Dpc, DeferredContext):
    return
"""


class Bench:
    """Makes machines of driver bodies."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def machine(self, body: str, processors: int = 1, threads: str = "") -> Machine:
        path = self._folder / "drv.py"
        more = f", concurrently=[{threads}]" if threads else ""
        start = "" if "def Start" in body else START
        text = FRAME + indent(start + dedent(body), "    ") + SCENARIO.format(threads=more)
        path.write_text(text, encoding="utf-8")
        pattern = load_pattern(path)
        return apply(compile_system(pattern.program, pattern.scenarios[0], processors))


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def found(machine: Machine) -> str:
    """The property violated, alike for both engines and replayed, or nothing."""
    verdict = ReferenceEngine().check(machine).verdict
    assert verdict == NativeEngine().check(machine).verdict
    match verdict:
        case Violated(name, trace):
            replay(machine, trace)
            return name
        case Holds():
            return ""
        case _:
            raise AssertionError(verdict.reason)


THREAD = "Drv.Work"

RACES = {
    "a DPC reads and clears": (
        ISR
        + """
def DpcForIsr(self, Dpc, DeferredContext):
    status = self.x
    self.x = 0
    if status:
        KeAcquireSpinLockAtDpcLevel(self.Lock)
        KeReleaseSpinLockFromDpcLevel(self.Lock)
""",
        "",
    ),
    "a thread is interrupted on its own processor": (
        ISR
        + QUIET
        + """
def Work(self):
    self.x = 2
""",
        THREAD,
    ),
    "through a helper": (
        ISR
        + """
def take(self):
    status = self.x
    self.x = 0
    return status

def DpcForIsr(self, Dpc, DeferredContext):
    status = self.take()
""",
        "",
    ),
    "a lock on one side only": (
        ISR
        + """
def DpcForIsr(self, Dpc, DeferredContext):
    KeAcquireSpinLockAtDpcLevel(self.Lock)
    if self.x:
        self.x = 0
    KeReleaseSpinLockFromDpcLevel(self.Lock)
""",
        "",
    ),
    "two service routines, one above the other": (
        """
other = Card(Line(irql=8, vector=0x40))
OtherInterrupt = PKINTERRUPT()

def Start(self):
    status = IoConnectInterrupt(self.Interrupt, self.Isr, Vector=0x61, ProcessorEnableMask=1)
    if not NT_SUCCESS(status):
        return status
    status = IoConnectInterrupt(
        self.OtherInterrupt, self.OtherIsr, Vector=0x40, ProcessorEnableMask=1
    )
    if not NT_SUCCESS(status):
        IoDisconnectInterrupt(self.Interrupt)
        return status
    self.card.enabled = 1
    self.other.enabled = 1
    return status

def Isr(self, Interrupt, ServiceContext):
    if not self.card.acknowledge():
        return FALSE
    self.x |= 1
    return TRUE

def OtherIsr(self, Interrupt, ServiceContext):
    if not self.other.acknowledge():
        return FALSE
    self.x |= 2
    return TRUE
""",
        "",
    ),
    "an element of an array": (
        ISR.replace("self.x = 1", "self.slots[1] = 1")
        + """
def DpcForIsr(self, Dpc, DeferredContext):
    for i in range(2):
        self.slots[i] = 0
""",
        "",
    ),
    "a member of a structure": (
        ISR.replace("self.x = 1", "self.ctx.Status = 1")
        + """
def DpcForIsr(self, Dpc, DeferredContext):
    if self.ctx.Status:
        self.ctx.Status = 0
""",
        "",
    ),
    "a plain store beside an interlocked one": (
        ISR.replace("self.x = 1", "InterlockedOr(self.x, 1)")
        + """
def DpcForIsr(self, Dpc, DeferredContext):
    self.x = 0
""",
        "",
    ),
}


@pytest.mark.parametrize("name", RACES)
def test_a_preempted_access_counts(name: str, bench: Bench) -> None:
    body, threads = RACES[name]
    assert found(bench.machine(body, 1, threads)) == "data-race"


CORRECT = {
    "in the critical section of the interrupt": (
        ISR
        + """
def TakeStatus(self, SynchronizeContext):
    if self.x:
        self.x = 0
    return TRUE

def DpcForIsr(self, Dpc, DeferredContext):
    KeSynchronizeExecution(self.Interrupt, self.TakeStatus, NULL)
""",
        "",
    ),
    "under the spin lock of the interrupt": (
        ISR
        + """
def DpcForIsr(self, Dpc, DeferredContext):
    OldIrql = KeAcquireInterruptSpinLock(self.Interrupt)
    status = self.x
    self.x = 0
    KeReleaseInterruptSpinLock(self.Interrupt, OldIrql)
""",
        "",
    ),
    "a single read beside interlocked writers": (
        ISR.replace("self.x = 1", "InterlockedOr(self.x, 1)")
        + """
def DpcForIsr(self, Dpc, DeferredContext):
    if self.x:
        InterlockedAnd(self.x, 0)
""",
        "",
    ),
    "single accesses declared to be meant so": (
        ISR.replace("self.x = 1", "self.calm = 1")
        + QUIET
        + """
def Work(self):
    self.calm = 2
""",
        THREAD,
    ),
    "before the interrupt is connected": (
        """
def Start(self):
    self.x = 2
    self.x = 0
    status = IoConnectInterrupt(self.Interrupt, self.Isr)
    if NT_SUCCESS(status):
        self.card.enabled = 1
    return status
"""
        + ISR.replace("KeInsertQueueDpc(self.Dpc)", "pass"),
        "",
    ),
}


@pytest.mark.parametrize("processors", [1, 2])
@pytest.mark.parametrize("name", CORRECT)
def test_what_is_kept_apart_is_no_race(name: str, processors: int, bench: Bench) -> None:
    body, threads = CORRECT[name]
    assert found(bench.machine(body, processors, threads)) == ""


CALM = ISR.replace("self.x = 1", "self.calm = 2")
"""A service routine that writes a field whose single accesses are meant to race."""


def dpc(body: str) -> str:
    """A DPC of the interrupt with this body."""
    return "\ndef DpcForIsr(self, Dpc, DeferredContext):\n" + indent(dedent(body), "    ")


LOCKED = """
def Set(self):
    KeAcquireSpinLock(self.Lock, OldIrql)
    self.x = 2
    KeReleaseSpinLock(self.Lock, OldIrql)

def Work(self):
    KeAcquireSpinLock(self.Lock, OldIrql)
    t = self.x
    KeReleaseSpinLock(self.Lock, OldIrql)
    KeAcquireSpinLock(self.Lock, OldIrql)
    CHANGE
    KeReleaseSpinLock(self.Lock, OldIrql)
"""
"""Two critical sections, and another thread that may come between them."""

TORN = {
    "through two locals": (CALM + dpc("t = self.calm\nu = t & 1\nself.calm = u | 1\n"), ""),
    "through a result": (
        CALM + "def bits(self):\n    return self.calm\n" + dpc("self.calm = self.bits() | 1\n"),
        "",
    ),
    "through an argument": (
        CALM + "def put(self, bits):\n    self.calm = bits | 1\n" + dpc("self.put(self.calm)\n"),
        "",
    ),
    "through a branch that chooses the value": (
        CALM + dpc("t = 0\nif self.calm == 2:\n    t = 3\nself.calm = t\n"),
        "",
    ),
    "in a loop": (
        CALM + dpc("for i in range(2):\n    t = self.calm\n    self.calm = t | 1\n"),
        "",
    ),
    "an element of an array": (
        CALM.replace("self.calm", "self.cells[1]")
        + dpc("for i in range(2):\n    t = self.cells[i]\n    self.cells[i] = t | 1\n"),
        "",
    ),
    "an element by an index out of a field": (
        CALM.replace("self.calm", "self.cells[1]")
        + dpc("i = self.calm & 1\nt = self.cells[i]\nself.cells[i] = t | 1\n")
        + "def Work(self):\n    self.calm = 1\n",
        THREAD,
    ),
    "a member of a structure": (
        CALM.replace("self.calm", "self.ctx.Calm")
        + dpc("t = self.ctx.Calm\nself.ctx.Calm = t | 1\n"),
        "",
    ),
    "a thread interrupted on its own processor": (
        CALM + QUIET + "def Work(self):\n    t = self.calm\n    self.calm = t | 1\n",
        THREAD,
    ),
    "read and cleared": (
        CALM + dpc("status = self.calm\nself.calm = 0\nif status:\n    self.done = 1\n"),
        "",
    ),
    "cleared after the work that it asks for": (
        CALM + dpc("if self.calm:\n    self.done = 1\n    self.calm = 0\n"),
        "",
    ),
    "cleared by a helper": (
        CALM
        + "def clear(self):\n    self.calm = 0\n"
        + dpc("if self.calm == 0:\n    return\nself.done = 1\nself.clear()\n"),
        "",
    ),
    "tested and set": (
        CALM + QUIET + "def Work(self):\n    if self.calm == 0:\n        self.calm = 1\n",
        THREAD,
    ),
    "through a branch that leaves the value": (
        CALM
        + QUIET
        + "def Work(self):\n    t = 1\n    if self.calm == 2:\n        t = 3\n    self.calm = t\n",
        THREAD,
    ),
    "ReadNoFence and WriteNoFence": (
        CALM + dpc("t = ReadNoFence(self.calm)\nWriteNoFence(self.calm, t | 1)\n"),
        "",
    ),
    "a computed value exchanged": (
        CALM + dpc("t = self.calm\nInterlockedExchange(self.calm, t | 1)\n"),
        "",
    ),
    "through the answer of KeSynchronizeExecution": (
        CALM
        + "def Get(self, SynchronizeContext):\n    return self.calm\n"
        + dpc("t = KeSynchronizeExecution(self.Interrupt, self.Get, NULL)\nself.calm = t & 1\n"),
        "",
    ),
    "in two critical sections": (
        ISR.replace("self.x = 1", "self.done = 1")
        + QUIET
        + LOCKED.replace("CHANGE", "self.x = t | 1"),
        "Drv.Work, Drv.Set",
    ),
    "decided in one critical section and done in another": (
        ISR.replace("self.x = 1", "self.done = 1")
        + QUIET
        + LOCKED.replace("CHANGE", "if t == 0:\n        self.x = 1"),
        "Drv.Work, Drv.Set",
    ),
    "with the interrupt locked for reading only": (
        CALM
        + dpc(
            """
            OldIrql = KeAcquireInterruptSpinLock(self.Interrupt)
            t = self.calm
            KeReleaseInterruptSpinLock(self.Interrupt, OldIrql)
            self.calm = t | 1
            """
        ),
        "",
    ),
}


@pytest.mark.parametrize("name", TORN)
def test_an_update_in_several_steps_is_torn(name: str, bench: Bench) -> None:
    body, threads = TORN[name]
    assert found(bench.machine(body, 1, threads)) == "torn-read-modify-write"


WHOLE = {
    "a flag cleared before the work that it asks for": (
        CALM + dpc("if self.calm:\n    self.calm = 0\n    self.done = 1\n"),
        "",
    ),
    "a second look under the lock": (
        ISR.replace("self.x = 1", "self.done = 1")
        + QUIET
        + LOCKED.replace("CHANGE", "if t == 0 and self.x == 0:\n        self.x = 1"),
        "Drv.Work, Drv.Set",
    ),
    "a new look in each round": (
        ISR.replace("self.x = 1", "self.done = 1")
        + QUIET
        + LOCKED.replace("CHANGE", "t = self.x\n    self.x = t | 1"),
        "Drv.Work, Drv.Set",
    ),
    "compare and exchange": (
        CALM + dpc("t = self.calm\nInterlockedCompareExchange(self.calm, t | 1, t)\n"),
        "",
    ),
    "nobody else writes": (
        CALM.replace("self.calm = 2", "self.done = self.calm & 1")
        + dpc("t = self.calm\nself.calm = t | 1\n"),
        "",
    ),
    "what is written has nothing to do with what was read": (
        CALM + dpc("if self.calm:\n    self.done = 1\nself.calm = 1\n"),
        "",
    ),
    "another element": (
        CALM.replace("self.calm", "self.cells[1]")
        + dpc("t = self.cells[0]\nself.cells[0] = t | 1\n"),
        "",
    ),
    "in the critical section of the interrupt": (
        CALM
        + dpc(
            """
            OldIrql = KeAcquireInterruptSpinLock(self.Interrupt)
            t = self.calm
            self.calm = t | 1
            KeReleaseInterruptSpinLock(self.Interrupt, OldIrql)
            """
        ),
        "",
    ),
    "a state of one's own in between": (
        CALM.replace("self.calm = 2", "if self.calm == 3:\n        self.calm = 2")
        + dpc("if self.calm == 0:\n    self.calm = 1\n    self.done = 1\n    self.calm = 0\n"),
        "",
    ),
}


@pytest.mark.parametrize("processors", [1, 2])
@pytest.mark.parametrize("name", WHOLE)
def test_an_update_that_loses_nothing_holds(name: str, processors: int, bench: Bench) -> None:
    body, threads = WHOLE[name]
    assert found(bench.machine(body, processors, threads)) == ""
