"""Large patterns: the work grows with their size, not with its square. Counted, not timed."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from dirql.model.compiler import compile_system
from dirql.model.kernel.knobs import Knobs
from dirql.model.language import Pattern, load_pattern
from dirql.properties import apply

HEAD = """from dirql.model.wdk import *


class Drv(Driver):
    field = Int(0, 3, volatile=True)
    Lock = KSPIN_LOCK()

    def Start(self):
        self.field = 1
"""


def long_routine(size: int) -> str:
    """One routine with so many statements."""
    body = "        self.field = 2\n" * size
    return f"{HEAD}{body}\n\nscenario = Scenario(start=Drv.Start)\n"


def endless_routine(size: int) -> str:
    """A loop of so many statements that never ends."""
    body = "            self.field = 2\n" * size
    return f"{HEAD}        while TRUE:\n{body}\n\nscenario = Scenario(start=Drv.Start)\n"


def many_threads(size: int) -> str:
    """So many threads that take one lock."""
    routines = "".join(
        f"\n    def Read{number}(self):\n"
        "        KeAcquireSpinLock(self.Lock, Old)\n"
        "        self.field = 1\n"
        "        KeReleaseSpinLock(self.Lock, Old)\n"
        for number in range(size)
    )
    threads = ", ".join(f"Drv.Read{number}" for number in range(size))
    return f"{HEAD}{routines}\n\nscenario = Scenario(start=Drv.Start, concurrently=[{threads}])\n"


def calls(work: Callable[[], object]) -> int:
    """How many Python functions are called meanwhile, generators each time they go on."""
    counted = 0

    def count(frame: object, event: str, argument: object) -> None:
        nonlocal counted
        counted += event == "call"

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(before)
    return counted


@pytest.mark.parametrize(
    ("source", "size", "power"),
    [(long_routine, 150, 1), (endless_routine, 150, 1), (many_threads, 8, 2)],
)
def test_twice_the_size(
    source: Callable[[int], str], size: int, power: int, tmp_path: Path
) -> None:
    """At most twice the work; for threads four times, since each is compared with each."""
    counted: list[int] = []
    for number in (size, 2 * size):
        file = tmp_path / f"drv_{number}.py"
        file.write_text(source(number), encoding="utf-8")
        pattern = load_pattern(file)

        def work(pattern: Pattern = pattern) -> None:
            apply(compile_system(pattern.program, pattern.scenarios[0], 2, Knobs()), None)

        counted.append(calls(work))
    assert counted[1] < 1.25 * 2**power * counted[0]
