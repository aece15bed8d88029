"""Stand-ins for loading, compiling and exploring, so that the command line is tested alone.

Every scenario of the fake pattern is answered by its name: `holds`, `violated`, `unknown`,
`needs_knob` (violated unless `out_pointer_before_arm=yes`), `beyond`, `crash`, `interrupt`,
`uncompilable`, `endless` (compiling it never ends), `killed` (so is the process that explores it).
"""

import json
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from dirql.app import questions, toolbox
from dirql.app.toolbox import EngineChoice
from dirql.explorer.engine import NO_LIMITS, BeyondEngineError, Limits, Snapshot
from dirql.explorer.verdict import Holds, Result, Statistics, Unknown, Verdict, Violated
from dirql.model import scenario as expectations
from dirql.model.domain import Boolean
from dirql.model.driver import Program
from dirql.model.expr import FALSE, TRUE, Constant
from dirql.model.kernel.knobs import Knobs
from dirql.model.language import Pattern
from dirql.model.machine import Check, Context, ContextKind, Machine, Source, Transition, Variable
from dirql.model.scenario import Expectation, Scenario
from dirql.model.system import System

from .traces import DEAD_INTERRUPT

STATES = 188


def scenario(name: str, *, expect: Expectation | None = None) -> Scenario:
    """A scenario on one processor and on two."""
    expected = () if expect is None else ((1, expect), (2, expect))
    return Scenario(name, None, (), None, (1, 2), expect=expected)


def step(number: int, text: str, *, possible: bool = True) -> Transition:
    """A step of the only thread."""
    return Transition(
        text,
        "Start",
        () if possible else (FALSE,),
        (("done", TRUE),),
        source=Source("fake.py", number, "Start", text),
    )


@dataclass
class Workshop:
    """What the command line finds; `asked` are the machines checked, with their limits."""

    scenarios: tuple[Scenario, ...] = (scenario("holds"),)
    steps: tuple[Transition, ...] = (
        step(7, "KeSetEvent(self.event)"),
        step(9, "self.count += 1", possible=False),
    )
    checks: tuple[Check, ...] = ()
    asked: list[tuple[Machine, Limits]] = field(default_factory=list[tuple[Machine, Limits]])

    def load(self, path: Path, *, run_module: bool = False) -> Pattern:
        """The pattern, or a complaint about a file whose name says it is broken."""
        del run_module
        while "endless" in path.name:
            pass
        if "broken" in path.name:
            raise toolbox.InputError(f"{path}:3:5: DQ112 there is no 'Dpx'")
        program = Program(path.stem, (), (), ())
        return Pattern(path, path.stem, "A story.", program, self.scenarios)

    def compile_scenario(
        self, pattern: Pattern, chosen: Scenario, processors: int, knobs: Knobs
    ) -> System:
        """A machine whose name carries the scenario and the knobs."""
        if chosen.name == "uncompilable":
            raise toolbox.InputError(f"{pattern.path}:9: DQ302 the driver never connects")
        settings = ",".join(f"{name}={value}" for name, value in knobs.settings)
        while chosen.name == "endless" or (chosen.name == "endless_knobs" and settings):
            pass
        machine = self.machine(f"{chosen.name}/{processors}/{settings}")
        return System(machine, (), (), (), (), (), (), (), FALSE)

    def machine(self, name: str) -> Machine:
        """One thread with `steps`, the first of which has `checks`."""
        return Machine(
            name,
            (Variable("done", Boolean(), (False,)),),
            (replace(self.steps[0], checks=self.checks), *self.steps[1:]),
            (Context("Start", ContextKind.THREAD, "", Constant("P0"), Constant(0)),),
        )

    def engine(self, choice: EngineChoice, question: str = "") -> "ScriptedEngine":
        """An engine that knows the answers."""
        del question
        name = "reference" if choice.name == "auto" else choice.name
        return ScriptedEngine(name, self)


@dataclass
class ScriptedEngine:
    """Answers by the scenario's name, which the machine's name begins with."""

    name: str
    workshop: Workshop

    def check(
        self,
        machine: Machine,
        limits: Limits = NO_LIMITS,
        watch: Callable[[Snapshot], None] | None = None,
    ) -> Result:
        """The scripted answer."""
        self.workshop.asked.append((machine, limits))
        if watch is not None:
            watch(Snapshot(12_345, 20_000, 7, 3, 2.0))
        chosen, _, settings = machine.name.split("/")
        statistics = Statistics(STATES, 402, 23, complete=True, seconds=0.5, taken=frozenset([0]))
        return Result(self._verdict(chosen, settings), statistics, self.name)

    def _verdict(self, chosen: str, settings: str) -> Verdict:
        if chosen == "crash":
            raise RuntimeError("out of cheese")
        if chosen == "beyond":
            raise BeyondEngineError("variable 'v' has more than 2**64 values")
        if chosen == "interrupt":
            raise KeyboardInterrupt
        if chosen == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        if chosen == "unknown":
            return Unknown("the limit of 100 states was reached")
        good = chosen == "holds" or (
            chosen == "needs_knob" and "out_pointer_before_arm=yes" in settings
        )
        return Holds() if good else Violated(DEAD_INTERRUPT.violation.property, DEAD_INTERRUPT)


def violated(steps: int = 13, states: int = STATES) -> Expectation:
    """The expectation that the scripted violation meets."""
    return expectations.Violated(DEAD_INTERRUPT.violation.property, steps, states)


def checks(output: str) -> list[dict[str, Any]]:
    """The answers in the JSON output of a check that came to its end."""
    records: list[dict[str, Any]] = [json.loads(line) for line in output.splitlines()]
    assert [record["kind"] for record in records] == ["check"] * (len(records) - 1) + ["summary"]
    assert records[-1]["asked"] == records[-1]["finished"] == len(records) - 1
    return records[:-1]


@pytest.fixture
def workshop(monkeypatch: pytest.MonkeyPatch) -> Workshop:
    """The stand-ins, in place."""
    made = Workshop()
    monkeypatch.setattr(toolbox, "load", made.load)
    monkeypatch.setattr(toolbox, "compile_scenario", made.compile_scenario)
    monkeypatch.setattr(toolbox, "engine", made.engine)
    monkeypatch.setenv("COLUMNS", "120")
    questions.forget_patterns()
    return made


@pytest.fixture
def pattern(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a file in the current folder; the stand-ins never look into it."""
    monkeypatch.chdir(tmp_path)
    Path("fake.py").write_text('"""A pattern."""\n', encoding="utf-8")
    return "fake.py"
