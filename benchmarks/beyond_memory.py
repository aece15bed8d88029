"""A search with a third of the memory it needs, on disk, against the same search in memory.

    python benchmarks/beyond_memory.py --size medium

Both run in processes of their own, in turns. The numbers found must be the same.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from peers_model import SIZES, interrupt_model

from dirql.explorer.engine import Limits
from dirql.explorer.native import NativeEngine
from dirql.explorer.workspace import Workspace

NAMES = {"small": (3, 4, 3), "medium": (4, 2, 2), "large": (4, 4, 4)}
SHARE = 3
"""The process may have one part in so many of what it takes without a limit."""


def child(size: str, memory: int) -> None:
    """Search with at most `memory` bytes (0: no limit), and print what it took."""
    machine = interrupt_model(*NAMES[size])
    with tempfile.TemporaryDirectory() as folder:
        workspace = Workspace(spill=Path(folder) if memory else None)
        cpu, wall = time.process_time(), time.perf_counter()
        engine = NativeEngine(workspace=workspace)
        found = engine.check(machine, Limits(memory=memory or None)).statistics
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    assert (found.states, found.transitions) == SIZES[NAMES[size]]
    assert found.complete
    print(json.dumps({"cpu": cpu, "wall": wall, "memory": peak}))


def run(size: str, memory: int) -> dict[str, float]:
    """A search in a process of its own."""
    command = [sys.executable, __file__, "--size", size, "--child", str(memory)]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    found: dict[str, float] = json.loads(output)
    return found


def main() -> None:
    """Read the command line, compare, print."""
    parser = argparse.ArgumentParser(description="a search on disk against one in memory")
    parser.add_argument("--size", choices=NAMES, default="medium")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--child", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child is not None:
        child(given.size, given.child)
        return
    limit = int(run(given.size, 0)["memory"]) // SHARE
    runs = [(run(given.size, 0), run(given.size, limit)) for _ in range(given.runs)]
    print("| search | CPU s | wall s | peak MB |\n| --- | --- | --- | --- |")
    for name, place in (("in memory", 0), (f"on disk, limit {limit >> 20} MB", 1)):
        cpu, wall, peak = (
            statistics.median(pair[place][key] for pair in runs)
            for key in ("cpu", "wall", "memory")
        )
        print(f"| {name} | {cpu:.2f} | {wall:.2f} | {int(peak) >> 20} |")
    ratio = statistics.median(two["cpu"] / one["cpu"] for one, two in runs)
    print(f"\n{ratio:.2f} times slower (CPU time, median of {len(runs)} pairs)")


if __name__ == "__main__":
    main()
