"""Updates in several steps that end in an interlocked store, or go through the stack."""

from pathlib import Path

import pytest

from .test_races import CALM, Bench, dpc, found

BITS = CALM.replace("self.calm = 2", "InterlockedOr(self.calm, 2 if self.done else 1)")
"""A service routine that adds a bit: the second one once a first was served."""


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def served(store: str, before: str = "") -> str:
    """A DPC that stores where it found the first bit only."""
    return dpc(f"s = self.calm\nif s == 1:\n    {before}{store}\n    self.done = 1\n")


TORN = {
    "decided by a look, then exchanged": BITS + served("InterlockedExchange(self.calm, 0)"),
    "decided by a look, then all bits cleared": BITS + served("InterlockedAnd(self.calm, 0)"),
    "decided by the caller": (
        BITS + "def clear(self):\n    InterlockedExchange(self.calm, 0)\n" + served("self.clear()")
    ),
    "an element": (
        BITS.replace("self.calm", "self.cells[1]")
        + dpc(
            """
            s = self.cells[1]
            if s == 1:
                InterlockedExchange(self.cells[1], 0)
                self.done = 1
            """
        )
    ),
}


@pytest.mark.parametrize("name", TORN)
def test_a_store_that_loses_what_came_in_between_is_torn(name: str, bench: Bench) -> None:
    assert found(bench.machine(TORN[name])) == "torn-read-modify-write"


WHOLE = {
    "the answer of the exchange is used": (BITS + served("s = InterlockedExchange(self.calm, 0)")),
    "only the bit that was seen is cleared": BITS + served("InterlockedAnd(self.calm, ~1)"),
    "what is exchanged has nothing to do with the look": (
        BITS + dpc("if self.calm == 1:\n    self.done = 1\nInterlockedExchange(self.calm, 0)\n")
    ),
    "a second bit is added": BITS + served("InterlockedOr(self.calm, 2)"),
    "it is compared first": BITS + served("InterlockedCompareExchange(self.calm, 0, 1)"),
    "nothing but what was seen can be there": (
        CALM.replace("self.calm = 2", "InterlockedCompareExchange(self.calm, 1, 0)")
        + dpc("if self.calm == 1:\n    InterlockedExchange(self.calm, 0)\n")
    ),
    "claimed by an exchange, then let go": (
        CALM.replace("self.calm = 2", "InterlockedExchange(self.calm, 1)")
        + dpc(
            """
            if InterlockedExchange(self.calm, 2) == 0:
                InterlockedExchange(self.calm, 0)
            """
        )
    ),
}


@pytest.mark.parametrize("processors", [1, 2])
@pytest.mark.parametrize("name", WHOLE)
def test_a_store_that_loses_nothing_holds(name: str, processors: int, bench: Bench) -> None:
    assert found(bench.machine(WHOLE[name], processors)) == ""


SECTIONS = """
def Isr(self, Interrupt, ServiceContext):
    if not self.card.acknowledge():
        return FALSE
    self.x = 2
    return TRUE

def Peek(self, Context):
    Context.Status = self.x
    return TRUE

def Put(self, Context):
    PUT
    return TRUE

def DpcForIsr(self, Dpc, DeferredContext):
    return

def Work(self):
    c = Context()
    KeSynchronizeExecution(self.Interrupt, self.Peek, c)
    AFTER
    KeSynchronizeExecution(self.Interrupt, self.Put, c)
"""
"""Two critical sections of the interrupt that share a structure on the stack."""


def sections(put: str, after: str = "pass") -> str:
    """A thread that reads in one section, and does `put` in the other."""
    return SECTIONS.replace("PUT", put).replace("AFTER", after)


TORN_ON_STACK = {
    "written back": sections("self.x = Context.Status"),
    "computed": sections("self.x = Context.Status | 1"),
    "changed on the stack": sections("self.x = Context.Status", "c.Status = c.Status | 1"),
    "through another field": sections("self.x = Context.Calm", "c.Calm = c.Status"),
    "decided": sections("if Context.Status == 0:\n        self.x = 1"),
    "cleared while the value is still to be used": sections(
        "self.x = 0\n    if Context.Status:\n        self.done = 1"
    ),
}


@pytest.mark.parametrize("name", TORN_ON_STACK)
def test_an_update_through_the_stack_is_torn(name: str, bench: Bench) -> None:
    machine = bench.machine(TORN_ON_STACK[name], 1, "Drv.Work")
    assert found(machine) == "torn-read-modify-write"


WHOLE_ON_STACK = {
    "the field was set anew": sections("self.x = Context.Status", "c.Status = 1"),
    "another field": sections("self.x = Context.Calm", "c.Calm = 1"),
    "cleared when the value is not used any more": sections(
        "self.x = 0", "if c.Status:\n        self.done = 1"
    ),
    "a second look": sections("Context.Status = self.x\n    self.x = Context.Status"),
    "a structure of its own in each call": sections("pass").replace(
        "def Work(self):",
        """def put(self):
    c = Context()
    KeSynchronizeExecution(self.Interrupt, self.Write, c)

def Write(self, Context):
    self.x = Context.Status
    return TRUE

def Work(self):
    self.put()""",
    ),
}


@pytest.mark.parametrize("processors", [1, 2])
@pytest.mark.parametrize("name", WHOLE_ON_STACK)
def test_the_stack_carries_no_update(name: str, processors: int, bench: Bench) -> None:
    assert found(bench.machine(WHOLE_ON_STACK[name], processors, "Drv.Work")) == ""
