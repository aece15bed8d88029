"""Queue fields: first in, first out, and memory like any other."""

from pathlib import Path

import pytest

from dirql.explorer.reference import ReferenceEngine
from dirql.explorer.replay import replay
from dirql.explorer.verdict import Holds, Violated
from dirql.model.compiler import compile_system
from dirql.model.language import PatternError, load_pattern
from dirql.properties import apply

HEAD = """
from dirql.model.wdk import *


class Request(Structure):
    completed = Bit(0)
    waiting = Queue(Bit(0), 2)


class Drv(Driver):
    Lock = KSPIN_LOCK()
    work = Queue(Int(0, 3), 2)
    pending = Queue(Reference(Request), 2)
    callbacks = Queue(RoutineReference("One"), 1)
    first = Request()
    second = Request()
    current = Reference(Request, "first")

    def Start(self):
        KeInitializeSpinLock(self.Lock)
"""


class Bench:
    """Checks drivers."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "drv.py"

    def check(self, *bodies: str, processors: int = 2) -> str:
        """What becomes of threads with these bodies: the property violated and its detail."""
        names = ["One", "Two"][: len(bodies)]
        text = HEAD
        for name, body in zip(names, bodies, strict=True):
            lines = "".join(f"        {line}\n" for line in body.split("\n"))
            text += f"\n    def {name}(self):\n{lines}"
        threads = ", ".join(f"Drv.{name}" for name in names)
        text += f"\n\nscenario = Scenario(start=Drv.Start, concurrently=[{threads}])\n"
        self._path.write_text(text, encoding="utf-8")
        pattern = load_pattern(self._path)
        machine = apply(compile_system(pattern.program, pattern.scenarios[0], processors))
        match ReferenceEngine().check(machine).verdict:
            case Holds():
                return ""
            case Violated(property, trace):
                replay(machine, trace)
                return f"{property}: {trace.violation.detail}"
            case other:
                return str(other)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


ORDER = """assert self.work.empty() and not self.work.full() and self.work.count() == 0
self.work.append(1)
self.work.append(2)
assert self.work.full() and self.work.count() == 2
assert self.work.pop() == 1
self.work.append(3)
assert self.work.pop() == 2
x = self.work.pop()
assert x == 3
assert self.work.empty()"""
DRAIN = """for i in range(2):
    self.work.append(i)
while not self.work.empty():
    last = self.work.pop()
assert self.work.empty()"""
REFERENCES = """self.pending.append(self.first)
self.pending.append(self.second)
request = self.pending.pop()
assert request == self.first
request.completed = 1
request = self.pending.pop()
assert request == self.second and not request.completed"""
INSIDE = """request = self.current
request.waiting.append(1)
assert self.first.waiting.pop() == 1"""
ROUTINES = """self.callbacks.append(self.One)
callback = self.callbacks.pop()
assert callback == self.One"""
THROWN_AWAY = "self.work.append(1)\nself.work.pop()\nassert self.work.empty()"
NESTED = "self.work.append(self.work.count())\nassert self.work.pop() == 0"


@pytest.mark.parametrize("body", [ORDER, DRAIN, REFERENCES, INSIDE, ROUTINES, THROWN_AWAY, NESTED])
def test_first_in_first_out(bench: Bench, body: str) -> None:
    assert bench.check(body, processors=1) == ""


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("self.work.pop()", "assertion-failed: self.work has an entry (pop)"),
        (
            "for i in range(3):\n    self.work.append(i)",
            "assertion-failed: self.work has room (append to a queue of 2)",
        ),
        ("self.work.append(4)", "value-out-of-range: "),
    ],
)
def test_more_than_there_is_or_fits(bench: Bench, body: str, said: str) -> None:
    assert bench.check(body, processors=1).startswith(said)


LOCKED = "KeAcquireSpinLock(self.Lock, OldIrql)\n{}\nKeReleaseSpinLock(self.Lock, OldIrql)"


def test_unprotected_use_is_a_race(bench: Bench) -> None:
    assert bench.check("self.work.append(1)", "self.work.append(2)").startswith("data-race")
    assert bench.check("self.work.append(1)", "x = self.work.empty()").startswith("data-race")


def test_protected_use_holds(bench: Bench) -> None:
    append = LOCKED.format("self.work.append(1)")
    pop = LOCKED.format("if not self.work.empty():\n    x = self.work.pop()\n    assert x == 1")
    assert bench.check(append, append) == ""
    assert bench.check(append, pop) == ""


def test_asking_before_is_not_enough_without_one_lock_around_both(bench: Bench) -> None:
    ask = LOCKED.format("empty = self.work.empty()")
    pop = LOCKED.format("self.work.pop()")
    body = f"{ask}\nif not empty:\n" + "".join(f"    {line}\n" for line in pop.split("\n"))
    both = LOCKED.format("self.work.append(1)") + "\n" + body.rstrip()
    found = bench.check(both, body.rstrip())
    assert found.startswith("assertion-failed: self.work has an entry")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("self.work.push(1)", "a queue has no `push`"),
        ("x = self.work[0]", "an entry of a queue by its index"),
        ("x = self.work", "the queue `work` as a whole"),
        ("self.work = 1", "the queue `work` as a whole"),
        ("self.work.append()", "takes the entry to append"),
        ("self.work.pop(1)", "takes no arguments"),
        ("self.work.append(self.first)", "holds a number"),
        ("self.pending.append(1)", "holds an object"),
        ("x = self.work.append(1)", "no result"),
        ("x = self.work.pop", "as a value"),
        ("self.work.pop = 1", "cannot be assigned"),
        ("x = self.work.pop.first", "is outside the driver language"),
        ("self.x.append(1)", "has no `x`"),
        ("self.work.empty", "alone does nothing"),
    ],
)
def test_what_a_queue_is_not(bench: Bench, body: str, words: str) -> None:
    with pytest.raises(PatternError) as caught:
        bench.check(body)
    assert words in str(caught.value)
    assert caught.value.hint
    assert caught.value.column


@pytest.mark.parametrize("declared", ["Queue(3, 2)", "Queue(Int(0, 1), 0)", "Queue(Int(0, 1), 17)"])
def test_a_wrong_declaration(tmp_path: Path, declared: str) -> None:
    path = tmp_path / "drv.py"
    path.write_text(HEAD.replace("Queue(Int(0, 3), 2)", declared), encoding="utf-8")
    with pytest.raises(PatternError, match="DQ108") as caught:
        load_pattern(path)
    assert "work = Queue(" in caught.value.hint


FIFO = '''
from dirql.model.wdk import *


class Port(Device):
    """Two bytes deep."""

    fifo = Queue(Int(0, 2), 2)
    enabled = Bit(0)

    def line(self):
        return self.enabled and not self.fifo.empty()

    @hardware
    def byte_arrives(self):
        if not self.fifo.full():
            self.fifo.append(2)

    def read(self):
        return self.fifo.pop()


class Drv(Driver):
    port = Port(Line(irql=7))
    Interrupt = PKINTERRUPT()

    def Start(self):
        status = IoConnectInterrupt(self.Interrupt, self.Isr)
        if not NT_SUCCESS(status):
            return status
        self.port.enabled = 1
        return STATUS_SUCCESS

    def Isr(self, Interrupt, ServiceContext):
        if not self.port.enabled or self.port.fifo.empty():
            return FALSE
        byte = self.port.read()
        assert byte == 2
        return TRUE

    def Stop(self):
        self.port.enabled = 0
        IoDisconnectInterrupt(self.Interrupt)


scenario = Scenario(start=Drv.Start, concurrently=[Drv.Stop])
'''


@pytest.mark.parametrize("processors", [1, 2])
def test_a_device_has_a_queue_of_its_own(tmp_path: Path, processors: int) -> None:
    """Its routines are one step each, whatever they do with the queue."""
    path = tmp_path / "drv.py"
    path.write_text(FIFO, encoding="utf-8")
    pattern = load_pattern(path)
    machine = apply(compile_system(pattern.program, pattern.scenarios[0], processors))
    assert isinstance(ReferenceEngine().check(machine).verdict, Holds)
