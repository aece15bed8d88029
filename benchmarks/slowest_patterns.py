"""The slowest patterns: the reference explorer against the native engine, and `dirql check` whole.

    python benchmarks/slowest_patterns.py

Two tables. In the first both engines explore the same machines in one process, in turns; the time
that the native engine needs to compile a machine is shown apart, made anew and read from the cache.
In the second `dirql check` runs as a process of its own: with an empty cache, with compiled code in
it, and with the verdict in it. Medians of CPU time, which a busy computer disturbs least. Both
engines must count the same.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from dirql.app.answers import find_scenario, prepare
from dirql.app.questions import Options, Question, load, pattern_files, plan
from dirql.explorer.native import Cache, NativeEngine, NoCache
from dirql.explorer.native.program import Program
from dirql.explorer.reference import ReferenceEngine
from dirql.model.machine import Machine

PATTERNS = Path(__file__).parent.parent / "patterns"


@dataclass(frozen=True)
class Exploring:
    """Both engines on one machine, in CPU seconds; the reference only where it is not too slow."""

    pattern: str
    processors: int
    transitions_of_machine: int
    states: int
    transitions: int
    reference: float | None
    native: float
    compile_cold: float
    compile_cached: float


@dataclass(frozen=True)
class Checking:
    """`dirql check` of a pattern on some processors, CPU time in seconds."""

    pattern: str
    processors: int
    states: int
    cold: float
    code_cached: float
    verdict_cached: float


def expected_states(question: Question) -> int:
    """How many states the pattern's author expects."""
    scenario = find_scenario(load(question.pattern), question.scenario)
    expected = dict(scenario.expect).get(question.processors)
    return 0 if expected is None else expected.states


def slowest(count: int) -> list[Question]:
    """The `count` questions with the most states."""
    planned = plan(pattern_files([PATTERNS]), Options(compare_knobs=False))
    questions = [item for item in planned if isinstance(item, Question)]
    return sorted(questions, key=expected_states, reverse=True)[:count]


def cpu_seconds() -> float:
    """What this process and those it waited for have used."""
    now = os.times()
    return time.process_time() + now.children_user + now.children_system


def median(runs: int, work: Callable[[], object]) -> float:
    """CPU seconds that `work` takes, here and in processes that it waits for."""
    found: list[float] = []
    for _ in range(runs):
        started = cpu_seconds()
        work()
        found.append(cpu_seconds() - started)
    return statistics.median(found)


def exploring(question: Question, runs: int, most: int) -> Exploring:
    """Both engines on what `question` asks about."""
    machine = prepare(question).machine
    with tempfile.TemporaryDirectory() as folder:
        cache = Cache(Path(folder) / "cache")
        cold = median(runs, lambda: Program(machine, NoCache()))
        Program(machine, cache)
        cached = median(runs, lambda: Program(machine, cache))
        engine = NativeEngine(cache)
        native = median(runs, lambda: engine.check(machine)) - cached
        result = engine.check(machine)
    found = result.statistics
    slow = by_reference(machine, found.states, runs, most)
    return Exploring(
        Path(question.pattern).stem,
        question.processors,
        len(machine.transitions),
        found.states,
        found.transitions,
        slow,
        max(native, 1e-4),
        cold,
        cached,
    )


def by_reference(machine: Machine, states: int, runs: int, most: int) -> float | None:
    """Seconds that the reference explorer takes, after seeing that it counts the same."""
    if states > most:
        return None
    native = NativeEngine(NoCache()).check(machine).statistics
    expected = ReferenceEngine().check(machine).statistics
    assert replace(native, seconds=0) == replace(expected, seconds=0)
    return median(runs, lambda: ReferenceEngine().check(machine))


def checking(question: Question, runs: int) -> Checking:
    """`dirql check` as a user runs it."""
    program = [sys.executable, "-c", "from dirql.app.cli import main; main()"]
    asked = ["check", question.pattern, "--processors", str(question.processors)]
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "DIRQL_CACHE_DIR": str(Path(folder) / "cache")}

        def check(*more: str) -> list[dict[str, int]]:
            command = [*program, *asked, "--format", "json", *more]
            done = subprocess.run(
                command, env=environment, check=False, capture_output=True, text=True
            )
            assert done.returncode in (0, 1), done.stderr
            records = [json.loads(line) for line in done.stdout.splitlines()]
            return [record for record in records if record["kind"] == "check"]

        def forget(*kinds: str) -> None:
            for kind in kinds:
                for path in Path(folder).glob(f"cache/*.{kind}"):
                    path.unlink()

        def cold() -> None:
            forget("code", "verdict", "answer")
            check()

        def code() -> None:
            forget("verdict", "answer")
            check()

        check()
        return Checking(
            Path(question.pattern).stem,
            question.processors,
            max(item["states"] for item in check()),
            median(runs, cold),
            median(runs, code),
            median(runs, check),
        )


def table(heading: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table as documents have it."""
    lines = [heading, ["---" for _ in heading], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def exploring_table(found: Sequence[Exploring]) -> str:
    """Both engines side by side."""
    rows = [
        [
            item.pattern,
            str(item.processors),
            f"{item.states:,}",
            f"{item.transitions:,}",
            "-" if item.reference is None else f"{item.reference:.2f}",
            f"{item.native:.3f}",
            "-" if item.reference is None else f"{item.reference / item.native:.0f}",
            str(item.transitions_of_machine),
            f"{item.compile_cold:.2f}",
            f"{item.compile_cached:.3f}",
        ]
        for item in found
    ]
    heading = ["pattern", "processors", "states", "steps", "reference s", "native s", "ratio"]
    return table([*heading, "transitions", "compile s", "from the cache s"], rows)


def checking_table(found: Sequence[Checking]) -> str:
    """A whole process, three times."""
    rows = [
        [
            item.pattern,
            str(item.processors),
            f"{item.states:,}",
            *(f"{value:.2f}" for value in (item.cold, item.code_cached, item.verdict_cached)),
        ]
        for item in found
    ]
    heading = ["`dirql check`", "processors", "states"]
    return table([*heading, "empty cache s", "code cached s", "verdict cached s"], rows)


def main() -> None:
    """Read the command line, measure, print."""
    parser = argparse.ArgumentParser(description="reference against native on the slowest patterns")
    parser.add_argument("--count", type=int, default=8, help="how many patterns (default 8)")
    parser.add_argument("--runs", type=int, default=3, help="runs of each (default 3)")
    parser.add_argument(
        "--more", type=int, default=0, metavar="N", help="so many processors more than usual"
    )
    parser.add_argument(
        "--most",
        type=int,
        default=200_000,
        metavar="STATES",
        help="states above which the reference explorer is not asked (default 200,000)",
    )
    parser.add_argument("--json", action="store_true", help="print the numbers as JSON")
    given = parser.parse_args()
    questions = [
        replace(item, processors=item.processors + given.more) for item in slowest(given.count)
    ]
    explored = [exploring(item, given.runs, given.most) for item in questions]
    checked = [checking(item, given.runs) for item in questions]
    if given.json:
        print(json.dumps([[asdict(item) for item in part] for part in (explored, checked)]))
        return
    print(exploring_table(explored), checking_table(checked), sep="\n\n")


if __name__ == "__main__":
    main()
