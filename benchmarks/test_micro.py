"""Parts of a check, timed by pytest-benchmark.

    pip install -e '.[test,bench]'
    python -m pytest benchmarks/test_micro.py

These are measurements, not tests: nothing fails because it is slow, and the test suite does not
contain them.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import pytest

from dirql.app.answers import Subject, prepare
from dirql.app.questions import Options, Question
from dirql.explorer.native import Cache, NativeEngine, NoCache
from dirql.explorer.native.codec import Layout
from dirql.explorer.native.program import Program
from dirql.explorer.reference import ReferenceEngine
from dirql.explorer.storage import Kind, Storage
from dirql.model.compiler import compile_system
from dirql.model.digest import digest
from dirql.model.language import load_pattern
from dirql.properties import apply

PATTERN = Path(__file__).parent.parent / "patterns" / "pcidrv_stop_fixed.py"


class Benchmark(Protocol):
    """The fixture of pytest-benchmark, as far as it is used here."""

    def __call__(self, function: Callable[..., Any], *arguments: Any) -> Any:  # noqa: ANN401
        """Time `function(*arguments)`, called again and again."""
        ...


@pytest.fixture(scope="module")
def subject() -> Subject:
    """A pattern of usual size, compiled."""
    return prepare(Question(str(PATTERN), "scenario", 2, Options()))


@pytest.fixture
def cache(tmp_path: Path, subject: Subject) -> Cache:
    """A cache with the pattern's machine code in it."""
    made = Cache(tmp_path / "cache")
    Program(subject.machine, made)
    return made


def test_load_pattern(benchmark: Benchmark) -> None:
    """Run the module level, capture the driver."""
    benchmark(load_pattern, PATTERN)


def test_compile_system(benchmark: Benchmark, subject: Subject) -> None:
    """A driver and a scenario into a system."""
    asked = subject.asked
    benchmark(compile_system, asked.pattern.program, asked.scenario, 2, asked.knobs)


def test_apply_properties(benchmark: Benchmark, subject: Subject) -> None:
    """All properties as conditions of the machine."""
    benchmark(apply, subject.system)


def test_digest(benchmark: Benchmark, subject: Subject) -> None:
    """The canonical form and its hash."""
    benchmark(digest, subject.machine)


def test_pack(benchmark: Benchmark, subject: Subject) -> None:
    """A state into words."""
    layout = Layout(subject.machine)
    state = layout.unpack(next(layout.initial()))
    benchmark(layout.pack, state)


def test_unpack(benchmark: Benchmark, subject: Subject) -> None:
    """Words into a state."""
    layout = Layout(subject.machine)
    benchmark(layout.unpack, next(layout.initial()))


def test_compile_machine(benchmark: Benchmark, subject: Subject) -> None:
    """A machine into machine code."""
    benchmark(Program, subject.machine, NoCache())


def test_load_machine_code(benchmark: Benchmark, subject: Subject, cache: Cache) -> None:
    """The same from the cache."""
    benchmark(Program, subject.machine, cache)


def test_search(benchmark: Benchmark, subject: Subject, cache: Cache) -> None:
    """Expand 1,238 states, machine code from the cache."""
    benchmark(NativeEngine(cache).check, subject.machine)


def test_search_by_reference(benchmark: Benchmark, subject: Subject) -> None:
    """The same without machine code."""
    benchmark(ReferenceEngine().check, subject.machine)


def test_read_an_entry(benchmark: Benchmark, tmp_path: Path) -> None:
    """100 kB from the cache folder, checked."""
    storage, key = Storage(tmp_path / "cache"), bytes(range(32))
    storage.write(Kind.CODE, key, bytes(100_000))
    benchmark(storage.read, Kind.CODE, key)
