"""Tiny drivers as source text, and what the reference engine says of them.

A test writes only the body of its driver class. What it claims about Windows it says either with
an `assert` in the driver (true in every behaviour) or through `reaches` (some behaviour exists).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent, indent

from dirql.explorer.engine import Limits
from dirql.explorer.evaluate import Evaluator
from dirql.explorer.reference import ReferenceEngine, reachable
from dirql.explorer.verdict import Unknown, Verdict, Violated
from dirql.model.compiler import compile_system
from dirql.model.domain import Value
from dirql.model.kernel import make_knobs
from dirql.model.language import load_pattern
from dirql.model.system import System
from dirql.properties import apply

DEVICE = '''
class Nic(Device):
    """A cause bit and a mask bit; the line shows both."""

    cause = Bit(0)
    masked = Bit(1)

    def line(self):
        return self.cause and not self.masked

    @hardware
    def event(self):
        self.cause = 1
'''

CONNECT = """
def Start(self):
    status = IoConnectInterrupt(self.Interrupt, self.Isr)
    if not NT_SUCCESS(status):
        return status
    self.nic.masked = 0
    return STATUS_SUCCESS
"""
"""A start routine that connects `Isr` and lets the device interrupt after that."""

SERVE = """
def Isr(self, Interrupt, ServiceContext):
    if not self.nic.cause:
        return FALSE
    self.nic.cause = 0
    return TRUE
"""
"""A correct service routine that does nothing but quiet its device."""


@dataclass(frozen=True)
class Answer:
    """What became of a driver."""

    verdict: Verdict
    system: System
    states: int

    @property
    def holds(self) -> bool:
        return not self.broken

    @property
    def broken(self) -> str:
        """The property violated; empty where the verdict is Holds, the reason where Unknown."""
        if isinstance(self.verdict, Unknown):
            return self.verdict.reason
        return self.verdict.property if isinstance(self.verdict, Violated) else ""

    @property
    def bug_check(self) -> str:
        """What Windows would raise."""
        assert isinstance(self.verdict, Violated)
        return self.verdict.trace.violation.bug_check

    @property
    def detail(self) -> str:
        assert isinstance(self.verdict, Violated)
        return self.verdict.trace.violation.detail

    @property
    def steps(self) -> list[str]:
        """The names of the steps that lead to the violation."""
        assert isinstance(self.verdict, Violated)
        return [step.name for step in self.verdict.trace.steps]

    def reaches(self, wanted: Mapping[str, Value]) -> bool:
        """Whether some reachable state has these values."""
        machine = self.system.machine
        slots = Evaluator(machine).slots
        picked = [(slots[name], value) for name, value in wanted.items()]
        return any(
            all(state[slot] == value for slot, value in picked) for state in reachable(machine)
        )


def source_of(
    body: str, *, line: str, threads: str, processors: int, device: str, start: str = ""
) -> str:
    """The pattern around the body of a driver class."""
    wired = f"nic = Nic(Line({line}))\nInterrupt = PKINTERRUPT()\n" if "class Nic" in device else ""
    start = start or ("Drv.Start" if "def Start(" in body else "None")
    return (
        '"""A driver of a test."""\n\nfrom dirql.model.wdk import *\n\n'
        + device
        + "\n\nclass Drv(Driver):\n"
        + indent(wired + body, "    ")
        + f"\n\nscenario = Scenario(start={start}, concurrently=[{threads}], "
        + f"processors=[{processors}])\n"
    )


@dataclass(frozen=True)
class Bench:
    """Where test drivers are written and run."""

    folder: Path

    def check(
        self,
        *parts: str,
        threads: str = "",
        processors: int = 1,
        line: str = "irql=7",
        device: str = DEVICE,
        knobs: Mapping[str, str] | None = None,
        properties: tuple[str, ...] | None = None,
        start: str = "",
    ) -> Answer:
        """Compile and explore the driver whose class body is made of `parts`.

        `threads` lists what runs concurrently, as written in a Scenario.
        """
        body = "\n".join(dedent(part) for part in parts)
        text = source_of(
            body, line=line, threads=threads, processors=processors, device=device, start=start
        )
        path = self.folder / "driver.py"
        path.write_text(text, encoding="utf-8")
        pattern = load_pattern(path)
        system = compile_system(
            pattern.program, pattern.scenarios[0], processors, make_knobs(knobs or {})
        )
        result = ReferenceEngine().check(apply(system, properties), Limits(states=200_000))
        return Answer(result.verdict, system, result.statistics.states)

    def plain(
        self,
        *parts: str,
        threads: str = "Drv.Main",
        processors: int = 1,
        properties: tuple[str, ...] | None = None,
        start: str = "",
    ) -> Answer:
        """The same for a driver without a device."""
        return self.check(
            *parts,
            threads=threads,
            processors=processors,
            device="",
            properties=properties,
            start=start,
        )
