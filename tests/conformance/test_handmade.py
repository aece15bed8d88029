"""Machines made by hand: their sizes are known without any explorer."""

import importlib.util
from pathlib import Path
from typing import Any

import pytest

from dirql.explorer.reference import ReferenceEngine
from dirql.explorer.replay import replay
from dirql.explorer.verdict import Holds, Result, Violated
from dirql.model.machine import Machine

from ..models import mutex, peterson, philosophers

PEERS = Path(__file__).parents[2] / "benchmarks" / "peers_model.py"


def size(result: Result) -> tuple[int, int, int]:
    """States, transitions, depth."""
    found = result.statistics
    return found.states, found.transitions, found.depth


def test_mutex() -> None:
    result = ReferenceEngine().check(mutex())
    assert isinstance(result.verdict, Holds)
    assert size(result) == (3, 4, 1)
    assert result.statistics.complete
    assert result.statistics.taken == {0, 1, 2, 3}


def test_peterson_holds() -> None:
    result = ReferenceEngine().check(peterson())
    assert isinstance(result.verdict, Holds)
    assert size(result) == (34, 62, 7)


def test_peterson_without_flags_lets_both_in() -> None:
    machine = peterson(flags=False)
    verdict = ReferenceEngine().check(machine).verdict
    assert isinstance(verdict, Violated)
    assert verdict.property == "both-inside"
    assert len(verdict.trace.steps) == 8
    assert verdict.trace.violation.detail == "both threads are inside"
    assert not verdict.trace.violation.at_step
    replay(machine, verdict.trace)


@pytest.mark.parametrize(("count", "states"), [(2, 6), (3, 14), (4, 34)])
def test_left_handed_philosophers_starve(count: int, states: int) -> None:
    machine = philosophers(count)
    result = ReferenceEngine().check(machine)
    assert result.statistics.states == states
    assert isinstance(result.verdict, Violated)
    assert result.verdict.property == "stuck-context"
    assert result.verdict.trace.violation.contexts == ("p0",)
    assert len(result.verdict.trace.steps) == count
    replay(machine, result.verdict.trace)


@pytest.mark.parametrize("count", [2, 3, 4])
def test_one_right_handed_philosopher_saves_all(count: int) -> None:
    result = ReferenceEngine().check(philosophers(count, left_handed=False))
    assert isinstance(result.verdict, Holds)


def peers(processors: int, requests: int, modulus: int) -> tuple[Machine, Any]:
    """The benchmark model and its module, which is a script outside the packages."""
    specification = importlib.util.spec_from_file_location("peers_model", PEERS)
    assert specification is not None
    assert specification.loader is not None
    module: Any = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module.interrupt_model(processors, requests, modulus), module


def test_interrupt_model_has_the_size_that_other_checkers_count() -> None:
    machine, module = peers(2, 2, 2)
    result = ReferenceEngine().check(machine)
    assert isinstance(result.verdict, Holds)
    assert size(result) == (*module.SIZES[2, 2, 2], module.DEPTH_OF_SMALLEST)
    assert size(result) == (21_672, 71_040, 62)
