"""One model in four checkers: dirql, SPIN, Rumur and a search written by hand in C.

    python benchmarks/versus_peers.py --size small

All of them explore the same states by the same steps; the numbers found are compared with the known
ones. The programs run in turns, so that a busy computer treats them alike, and medians are shown.
SPIN and Rumur (Debian: `apt-get install spin rumur clang`) are left out where they are missing.

What is timed is the checker at work: peers without the time to generate and compile them, dirql
with its compiled code in the cache, from the call of the engine to its answer.
"""

import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from peers_model import SIZES, interrupt_model

PEERS = Path(__file__).parent / "peers"

NAMES = {"tiny": (2, 2, 2), "small": (3, 4, 3), "medium": (4, 2, 2), "large": (4, 4, 4)}
"""Processors, most requests, modulus."""

DEPTHS = {"tiny": 1_000_000, "small": 4_000_000, "medium": 30_000_000, "large": 60_000_000}
"""Room on SPIN's search stack, in steps."""

TABLES = {"tiny": (18, 18), "small": (22, 22), "medium": (26, 25), "large": (28, 27)}
"""Sizes of the hash tables of SPIN and of the program in C, as powers of two."""


@dataclass(frozen=True)
class Run:
    """One run of one checker: CPU and wall time in seconds, peak memory in bytes."""

    checker: str
    states: int
    transitions: int
    cpu: float
    wall: float
    memory: int


@dataclass(frozen=True)
class Checker:
    """Something that can be run again and again."""

    name: str
    run: Callable[[], Run]


def measured(name: str, command: list[str], counts: str) -> Run:
    """Run `command`; the groups of the expression `counts` are its states and transitions."""
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    wall = time.perf_counter() - started
    found = re.search(counts, output, re.DOTALL)
    if process.returncode or found is None:
        raise SystemExit(f"{name} failed ({process.returncode}):\n{output[-2000:]}")
    numbers = [int(float(text.replace(",", ""))) for text in found.groups()]
    cpu = usage.ru_utime + usage.ru_stime
    return Run(name, numbers[0], numbers[1], cpu, wall, usage.ru_maxrss * 1024)


def dirql(size: str, workers: int) -> Checker:
    """This engine, in a process of its own."""
    name = f"dirql, {workers} worker{'s' * (workers > 1)}"
    command = [sys.executable, __file__, "--size", size, "--child", str(workers)]

    def run() -> Run:
        output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        return Run(name, **json.loads(output))

    return Checker(name, run)


def child(size: str, workers: int) -> None:
    """Check the model here and print what it took."""
    import resource

    from dirql.explorer.native import NativeEngine
    from dirql.explorer.verdict import Holds

    machine = interrupt_model(*NAMES[size])
    cpu, wall = time.process_time(), time.perf_counter()
    result = NativeEngine(workers=workers).check(machine)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    assert isinstance(result.verdict, Holds)
    found = result.statistics
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    counts = {"states": found.states, "transitions": found.transitions}
    print(json.dumps({**counts, "cpu": cpu, "wall": wall, "memory": memory}))


def by_hand(size: str, folder: Path) -> Checker:
    """The search in C: no traces, a table of fixed size, 2 MB pages, batches of 64."""
    p, k, m = NAMES[size]
    program = folder / "irq_bfs"
    flags = [f"-DP={p}", f"-DK={k}", f"-DM={m}", "-DBATCH=64"]
    source = str(PEERS / "irq_bfs.c")
    build("cc", "-O3", "-march=native", *flags, "-o", str(program), source, folder=folder)
    command = [str(program), str(TABLES[size][1]), "1"]
    counts = r"(\d+) states, (\d+) transitions"
    return Checker("C by hand", lambda: measured("C by hand", command, counts))


def spin(size: str, folder: Path, name: str, *flags: str) -> Checker:
    """SPIN with some flags."""
    p, k, m = NAMES[size]
    folder.mkdir()
    model = shutil.copy(PEERS / "irq.pml", folder)
    build("spin", f"-DP={p}", f"-DK={k}", f"-DM={m}", "-a", str(model), folder=folder)
    build("gcc", "-O3", "-w", "-DSAFETY", *flags, "-o", "pan", "pan.c", folder=folder)
    command = [str(folder / "pan"), f"-m{DEPTHS[size]}", f"-w{TABLES[size][0]}"]
    counts = r"([\d.e+]+) states, stored.*?([\d.e+]+) transitions"
    return Checker(name, lambda: measured(name, command, counts))


def rumur(size: str, folder: Path) -> Checker:
    """Rumur with one thread, its checker compiled by clang."""
    text = (PEERS / "irq.m").read_text(encoding="utf-8")
    for letter, value in zip("PKM", NAMES[size], strict=True):
        text = re.sub(rf"^  {letter}: .*", f"  {letter}: {value};", text, flags=re.MULTILINE)
    (folder / "g.m").write_text(text, encoding="utf-8")
    build("rumur", "--threads", "1", "g.m", "-o", "g.c", folder=folder)
    flags = ["-O3", "-std=c11", "-march=native", "-mcx16", "-w"]
    build("clang", *flags, "g.c", "-o", "g", "-lpthread", folder=folder)
    counts = r"(\d+) states, (\d+) rules fired"
    return Checker("Rumur", lambda: measured("Rumur", [str(folder / "g")], counts))


def build(*command: str, folder: Path) -> None:
    """Run one step of making a checker."""
    subprocess.run(command, check=True, cwd=folder, capture_output=True)


def checkers(size: str, folder: Path, workers: list[int]) -> list[Checker]:
    """All checkers that this computer has."""
    found = [dirql(size, count) for count in workers]
    if shutil.which("cc"):
        found.append(by_hand(size, folder))
    if shutil.which("spin") and shutil.which("gcc"):
        found.append(spin(size, folder / "por", "SPIN"))
        found.append(spin(size, folder / "full", "SPIN -DNOREDUCE", "-DNOREDUCE"))
        found.append(spin(size, folder / "bfs", "SPIN -DBFS", "-DNOREDUCE", "-DBFS"))
    if shutil.which("rumur") and shutil.which("clang"):
        found.append(rumur(size, folder))
    return found


def compare(size: str, runs: int, workers: list[int]) -> list[Run]:
    """Run all checkers in turns, and see that they found what there is."""
    done: list[Run] = []
    with tempfile.TemporaryDirectory() as folder:
        programs = checkers(size, Path(folder), workers)
        programs[0].run()  # fills the cache
        for _ in range(runs):
            for checker in programs:
                done.append(checker.run())
                print(f"{checker.name}: {done[-1].cpu:.2f} s", file=sys.stderr)
    for run in done:
        states, transitions = SIZES[NAMES[size]]
        assert run.states == states, run
        # SPIN counts the initial state as one more; with its reduction it takes fewer.
        assert run.transitions <= transitions + 1, run
        if not run.checker.startswith("SPIN"):
            assert run.transitions == transitions, run
    return done


def table(runs: list[Run]) -> str:
    """Medians of each checker as a table, and how far dirql with one worker is ahead."""
    heading = (
        "checker",
        "CPU s",
        "wall s",
        "M states/s",
        "M transitions/CPU s",
        "bytes/state",
        "ratio",
    )
    rows = [heading, tuple("---" for _ in heading)]
    first = rate([run for run in runs if run.checker == runs[0].checker])
    for name in dict.fromkeys(run.checker for run in runs):
        mine = [run for run in runs if run.checker == name]
        cpu = statistics.median(run.cpu for run in mine)
        wall = statistics.median(run.wall for run in mine)
        states, memory = mine[0].states, statistics.median(run.memory for run in mine)
        speeds = f"{states / wall / 1e6:.2f}", f"{rate(mine) / 1e6:.2f}"
        ratio = f"{first / rate(mine):.2f}"
        rows.append((name, f"{cpu:.2f}", f"{wall:.2f}", *speeds, f"{memory / states:.0f}", ratio))
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def rate(runs: list[Run]) -> float:
    """Transitions per CPU second, the median of some runs."""
    return statistics.median(run.transitions / run.cpu for run in runs)


def main() -> None:
    """Read the command line, compare, print."""
    parser = argparse.ArgumentParser(description="dirql, SPIN, Rumur and C on one model")
    parser.add_argument("--size", choices=NAMES, default="small")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--json", action="store_true", help="print every run")
    parser.add_argument("--child", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        child(given.size, given.child)
        return
    runs = compare(given.size, given.runs, given.workers)
    print(json.dumps([asdict(run) for run in runs], indent=2) if given.json else table(runs))


if __name__ == "__main__":
    main()
