"""Loading patterns from text, for tests."""

from pathlib import Path
from tempfile import TemporaryDirectory
from textwrap import dedent, indent

from dirql.model.language import Pattern, PatternError, load_pattern
from dirql.model.routine import Instruction, Routine

HEADER = '''"""A driver for tests."""
from dirql.model.wdk import *


class Request(Structure):
    refs = Int(0, 3)
    dpc = KDPC()


class E100(Device):
    cause = Bit(0)
    masked = Bit(1)

    def line(self):
        return self.cause and not self.masked

    @hardware
    def packet_arrives(self):
        self.cause = 1

    def read_and_clear(self):
        c = self.cause
        self.cause = 0
        return c


class Pcidrv(Driver):
    nic = E100(Line(irql=7))
    Interrupt = PKINTERRUPT()
    dpc = KDPC()
    lock = KSPIN_LOCK()
    pending = Int(0, 7)
    flags = Int(0, 255)
    ring = Array(Int(0, 3), 4)
    current = Reference(Request)
    callback = RoutineReference("Complete")
    r0 = Request()
    r1 = Request()
    MAX = 3

    def Complete(self, status):
        return status

'''
FOOTER = "\n\nscenario = Scenario(start=Pcidrv.Run)\n"


def load_text(text: str, name: str = "driver.py", *, run_module: bool = False) -> Pattern:
    """Load a pattern given as text; errors show `name` as the file."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_text(text, encoding="utf-8")
        try:
            return load_pattern(path, run_module=run_module)
        except PatternError as problem:
            problem.file = name
            raise


def with_body(body: str, methods: str = "") -> str:
    """A pattern whose routine `Run` has this body; `methods` are further members of the driver."""
    routine = "    def Run(self):\n" + indent(dedent(body).strip("\n"), " " * 8) + "\n"
    return HEADER + indent(dedent(methods).strip("\n"), "    ") + "\n\n" + routine + FOOTER


def routine_of(pattern: Pattern, name: str = "Run") -> Routine:
    """The captured routine called `name`."""
    return next(item for item in pattern.program.routines if item.name == name)


def instructions(body: str, methods: str = "") -> list[Instruction]:
    """The instructions of a routine with this body, in order."""
    return [node.instruction for node in routine_of(load_text(with_body(body, methods))).nodes]


def refusal(text: str, *, run_module: bool = False) -> PatternError:
    """The error that loading `text` ends with.

    Raises:
        AssertionError: it loads.
    """
    try:
        load_text(text, run_module=run_module)
    except PatternError as problem:
        return problem
    raise AssertionError("this loads:\n" + text)
