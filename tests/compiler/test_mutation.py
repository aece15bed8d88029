"""Who may run, and what a line remembers: each comparison made wrong is noticed by a driver."""

from dataclasses import dataclass
from itertools import product
from pathlib import Path

import pytest

from dirql.explorer.engine import Limits
from dirql.explorer.evaluate import Evaluator
from dirql.explorer.reference import ReferenceEngine
from dirql.explorer.successors import Successors
from dirql.explorer.verdict import Holds, Violated
from dirql.model.compiler import compile_system
from dirql.model.kernel import make_knobs
from dirql.model.language import load_pattern
from dirql.properties import apply

from ..kernel.drivers import DEVICE, Bench
from ..kernel.test_dispatch import TWO_LINES, two
from ..mutating import changed


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


PATTERNS = Path(__file__).resolve().parents[2] / "patterns"


@dataclass(frozen=True)
class Mutation:
    """In module `file`, `old` becomes `new`, and `pattern` gets another verdict."""

    file: str
    old: str
    new: str
    pattern: str
    right: str
    wrong: str
    processors: int = 1


MUTATIONS = (
    Mutation(
        "scheduling",
        "if point.irql > level]",
        "if point.irql >= level]",
        "neighbour_levels_one_status",
        "assertion-failed",
        "holds",
    ),
)


def verdict(pattern: str, processors: int) -> str:
    """The property violated, or `holds`."""
    loaded = load_pattern(PATTERNS / f"{pattern}.py")
    scenario = loaded.scenarios[0]
    knobs = make_knobs(dict(scenario.knobs))
    machine = apply(compile_system(loaded.program, scenario, processors, knobs))
    match ReferenceEngine().check(machine, Limits(states=20_000)).verdict:
        case Holds():
            return "holds"
        case Violated(name, _):
            return name
        case found:
            return found.reason


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda item: f"{item.file}-{item.pattern}")
def test_a_pattern_notices_the_mutation(mutation: Mutation) -> None:
    assert verdict(mutation.pattern, mutation.processors) == mutation.right
    with changed(f"dirql.model.compiler.{mutation.file}", mutation.old, mutation.new):
        assert verdict(mutation.pattern, mutation.processors) == mutation.wrong


EARLY = """
def Start(self):
    self.nic.masked = 0
    status = IoConnectInterrupt(self.Interrupt, self.Isr)
    return status
def Isr(self, Interrupt, ServiceContext):
    had = self.nic.cause
    self.nic.cause = 0
    return had
"""


def nested(bench: Bench, high: int) -> bool:
    """Whether the service routine of level `high` can interrupt the one of level 7."""
    answer = bench.check(two(7, high), device=TWO_LINES, properties=("assertion-failed",))
    return answer.reaches({"driver.InLow": 1, "driver.InHigh": 1})


def test_equal_levels_keep_each_other_out_1_3_1(bench: Bench) -> None:
    assert not nested(bench, 7)
    right = "self.nothing_above(program.home, level - 1, program)"
    with changed("dirql.model.compiler.scheduling", right, right.replace(" - 1", "")):
        assert nested(bench, 7)


def early_edge(bench: Bench, line: str) -> bool:
    """Whether an edge of the own device is remembered before its driver has connected."""
    answer = bench.check(EARLY, line=line, device=DEVICE, properties=("assertion-failed",))
    machine = answer.system.machine
    successors = Successors(machine, evaluator := Evaluator(machine))
    pending, state = evaluator.slots["nic edge pending"], evaluator.slots["Isr interrupt is"]
    work = list(product(*(item.initial for item in machine.variables)))
    known = set(work)
    while work:
        here = work.pop()
        if here[pending] and here[state] == "unused":
            return True
        for action in successors.enabled(here):
            following = action.after(here)
            if "foreign" not in action.transition.name and following not in known:
                known.add(following)
                work.append(following)
    return False


def test_a_shared_latched_line_hears_the_edge_before_the_connect_4_2_11(bench: Bench) -> None:
    """The neighbour has connected: the line is on, and whoever is on it is called."""
    assert early_edge(bench, "irql=7, mode=Latched, shared=True")
    assert not early_edge(bench, "irql=7, mode=Latched")
    text = "            Constant(value=line.shared),\n"
    with changed("dirql.model.compiler.assembly", text, "            Constant(value=False),\n"):
        assert not early_edge(bench, "irql=7, mode=Latched, shared=True")
