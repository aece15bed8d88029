"""Small drivers for tests of the compiler: a device, a few fields, routines given as text."""

from dataclasses import dataclass
from textwrap import dedent, indent

from dirql.explorer.engine import Limits
from dirql.explorer.reference import ReferenceEngine, reachable
from dirql.explorer.replay import replay
from dirql.explorer.verdict import Holds, Result, Violated
from dirql.model.compiler import compile_system
from dirql.model.domain import Value
from dirql.model.kernel import make_knobs
from dirql.model.language import PatternError
from dirql.model.machine import Machine
from dirql.model.system import Point, System
from dirql.properties import apply
from tests.language.loading import load_text

_HEADER = '''"""A driver for tests."""
from dirql.model.wdk import *


class Request(Structure):
    refs = Int(0, 3)
    dpc = KDPC()


class Nic(Device):
    cause = Bit(0)
    masked = Bit(1)

'''
_REGISTERS = """
def line(self):
    return self.cause and not self.masked

@hardware
def packet_arrives(self):
    self.cause = 1
"""
_FIELDS = """
Interrupt = PKINTERRUPT()
dpc = KDPC()
timer = KTIMER()
lock = KSPIN_LOCK()
other = KSPIN_LOCK()
done = KEVENT(NotificationEvent, FALSE)
again = KEVENT(NotificationEvent, FALSE)
x = Int(0, 3)
y = Int(0, 3)
z = Int(0, 3)
ring = Array(Int(0, 3), 3)
current = Reference(Request)
r0 = Request()
"""
_ROUTINES = """
def Start(self):
    KeInitializeDpc(self.dpc, self.Deferred)
    return IoConnectInterrupt(self.Interrupt, self.Service)

def Service(self, Interrupt, ServiceContext):
    was = self.nic.cause
    self.nic.cause = 0
    return was

def Deferred(self, Dpc, DeferredContext):
    pass
"""


@dataclass(frozen=True)
class Driver:
    """A driver in text: what differs from the common frame.

    `routines` may define `Start`, `Service` and `Deferred` anew; `device` replaces the behaviour
    of the device, `wiring` adds arguments of its line, `fields` declares more or others, and
    `threads` lists scenario entries.
    """

    routines: str
    threads: str = "T"
    start: str = "Sample.Start"
    last: str = ""
    device: str = _REGISTERS
    wiring: str = ""
    fields: str = ""

    @property
    def text(self) -> str:
        """The pattern."""
        given = dedent(self.routines)
        common = dedent(_ROUTINES).strip().split("\n\n")
        kept = [item for item in common if item.partition("(")[0] not in given]
        entries = ", ".join(
            item if "(" in item else f"Sample.{item}" for item in self.threads.split()
        )
        last = f", finally_=Sample.{self.last}" if self.last else ""
        anew = {line.partition(" =")[0] for line in dedent(self.fields).splitlines()}
        fields = "\n".join(
            line for line in _FIELDS.splitlines() if line.partition(" =")[0] not in anew - {""}
        )
        body = (f"nic = Nic(Line(irql=7{self.wiring}))", fields, dedent(self.fields), *kept, given)
        return (
            _HEADER
            + indent(dedent(self.device), "    ")
            + "\n\nclass Sample(Driver):\n"
            + indent("\n".join(body), "    ")
            + f"\n\nscenario = Scenario(start={self.start}, concurrently=[{entries}]{last})\n"
        )

    def system(self, processors: int = 1, **knobs: str) -> System:
        """The driver compiled."""
        pattern = load_text(self.text)
        return compile_system(pattern.program, pattern.scenarios[0], processors, make_knobs(knobs))

    def check(self, *properties: str, processors: int = 1, **knobs: str) -> Result:
        """What the reference engine says of the properties (none named: of all)."""
        machine = apply(self.system(processors, **knobs), properties or None)
        return ReferenceEngine().check(machine, Limits(states=60_000))

    def verdict(self, *properties: str, processors: int = 1, **knobs: str) -> str:
        """`holds`, `unknown`, or the violated property; a violation is replayed."""
        machine = apply(self.system(processors, **knobs), properties or None)
        found = ReferenceEngine().check(machine, Limits(states=60_000)).verdict
        match found:
            case Holds():
                return "holds"
            case Violated(property, trace):
                replay(machine, trace)
                return property
            case _:
                return "unknown"

    def refusal(self, processors: int = 1) -> PatternError:
        """The error with which the compiler refuses the driver.

        Raises:
            AssertionError: it compiles.
        """
        try:
            self.system(processors)
        except PatternError as problem:
            return problem
        raise AssertionError("this compiles:\n" + self.text)


def reached(machine: Machine, *names: str) -> set[tuple[Value, ...]]:
    """The values that the variables called `names` have together in reachable states."""
    slots = [
        next(i for i, item in enumerate(machine.variables) if item.name == name) for name in names
    ]
    return {tuple(state[slot] for slot in slots) for state in reachable(machine)}


def points(system: System, context: str, text: str) -> list[Point]:
    """The program points of `context` about to run a line that contains `text`."""
    return [item for item in system.points if item.context == context and text in item.source.text]
