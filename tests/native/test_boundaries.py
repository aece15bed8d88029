"""Values at the ends of words, domains of one value, and all of it on two workers."""

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings

from dirql.explorer.native import NativeEngine, NoCache, exchange, reachable
from dirql.explorer.native.codec import Layout
from dirql.explorer.reference import ReferenceEngine
from dirql.explorer.reference import reachable as reachable_by_reference
from dirql.model.algebra import arithmetic, conjunction, equal, less
from dirql.model.domain import Boolean, Enumeration, Range
from dirql.model.expr import TRUE, Constant, Expression, Read
from dirql.model.machine import (
    Check,
    Context,
    ContextKind,
    Invariant,
    Machine,
    Progress,
    Transition,
    Variable,
)

from ..machines import machines
from .test_edges import padded

WALKER = Context("walker", ContextKind.HARDWARE, "", Constant("none"), Constant(0))
WORKERS = pytest.mark.parametrize("workers", [1, 2])
FIXTURES = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(autouse=True)
def _threads_for_few_states(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange, "ALONE", 0)
    monkeypatch.setattr(exchange, "ROUND", 64)


def agree(machine: Machine, workers: int) -> None:
    """The native engine finds the states, numbers and kind of verdict that the reference does."""
    assert reachable(machine, workers) == reachable_by_reference(machine)
    expected = ReferenceEngine().check(machine)
    found = NativeEngine(cache=NoCache(), workers=workers).check(machine)
    assert replace(found.statistics, seconds=0) == replace(expected.statistics, seconds=0)
    assert type(found.verdict) is type(expected.verdict)


def walk(variable: str, *values: int, guard: tuple[Expression, ...] = ()) -> list[Transition]:
    """Steps from each value to the next, and from the last to the first."""
    pairs = zip(values, [*values[1:], values[0]], strict=True)
    return [
        Transition(
            f"{before} to {after}",
            "walker",
            (equal(Read(variable), Constant(before)), *guard),
            ((variable, Constant(after)),),
        )
        for before, after in pairs
    ]


@WORKERS
@pytest.mark.parametrize("bits", [1, 8, 31, 32, 33, 62, 63, 64])
@pytest.mark.parametrize("low", [0, 1, -1, -(2**31), -(2**63), 2**63, -(2**64)])
def test_a_variable_at_the_ends_of_its_domain(low: int, bits: int, workers: int) -> None:
    high = low + 2**bits - 1
    wide = Variable("wide", Range(low, high), (low, high))
    flag = Variable("flag", Boolean(), (False, True))
    values = sorted({low, low + 1, low + 2 ** (bits - 1), high - 1, high})
    up = Transition(
        "up",
        "walker",
        (less(Read("wide"), Constant(min(low + 3, high))),),
        (("wide", arithmetic("+", Read("wide"), Constant(1))), ("flag", TRUE)),
    )
    machine = Machine(
        "ends",
        (flag, wide),
        (*walk("wide", *values, guard=(Read("flag"),)), up),
        (WALKER,),
        (Invariant("inside", less(Read("wide"), Constant(high + 1))),),
    )
    agree(machine, workers)


@WORKERS
def test_fields_that_fill_words_exactly(workers: int) -> None:
    """64 bits, then 32 and 32, then 63 and 1: no bit of a neighbour changes."""
    sizes = (64, 32, 32, 63, 1)
    variables = tuple(
        Variable(f"v{place}", Range(0, 2**size - 1), (0, 2**size - 1))
        for place, size in enumerate(sizes)
    )
    assert Layout(Machine("full", variables, ())).words == 3
    steps = [
        step
        for place, size in enumerate(sizes)
        for step in walk(f"v{place}", 0, *sorted({1, 2 ** (size - 1), 2**size - 1}))
    ]
    agree(Machine("full", variables, tuple(steps), (WALKER,)), workers)


@WORKERS
def test_domains_of_one_value(workers: int) -> None:
    """They take no bits, and can be read, compared and stored."""
    variables = (
        Variable("seven", Range(7, 7), (7,)),
        Variable("only", Enumeration("only", ("one",)), ("one",)),
        Variable("far", Range(2**70, 2**70), (2**70,)),
        Variable("v", Range(0, 20), (0, 5)),
    )
    step = Transition(
        "step",
        "walker",
        (less(Read("v"), Constant(14)), equal(Read("only"), Constant("one"))),
        (
            ("v", arithmetic("+", Read("v"), arithmetic("-", Read("seven"), Constant(6)))),
            ("seven", Read("seven")),
            ("only", Constant("one")),
        ),
        (Check("far", equal(Read("far"), Constant(2**70))),),
    )
    agree(Machine("single", variables, (step,), (WALKER,)), workers)
    agree(Machine("nothing else", variables[:3], (), (WALKER,)), workers)


@WORKERS
def test_parameters(workers: int) -> None:
    """Variables that nothing writes: each of their values is a space of its own."""
    limit = Variable("limit", Range(0, 40), tuple(range(0, 41, 2)))
    mode = Variable("mode", Enumeration("mode", ("up", "wrap", "never")), ("up", "wrap"))
    value = Read("v")
    up = Transition(
        "up",
        "walker",
        (less(value, Read("limit")),),
        (("v", arithmetic("+", value, Constant(1))),),
    )
    wrap = Transition(
        "wrap",
        "walker",
        (equal(Read("mode"), Constant("wrap")), equal(value, Read("limit"))),
        (("v", Constant(0)),),
    )
    never = Transition("never", "walker", (equal(Read("mode"), Constant("never")),), ())
    at_end = conjunction(equal(value, Read("limit")))
    machine = Machine(
        "parameters",
        (limit, Variable("v", Range(0, 40), (0,)), mode),
        (up, wrap, never),
        (WALKER,),
        progress=(Progress("stuck-context", "walker", TRUE, at_end),),
    )
    agree(machine, workers)


@WORKERS
def test_no_transitions(workers: int) -> None:
    variables = tuple(Variable(f"v{n}", Range(0, 9), tuple(range(10))) for n in range(3))
    agree(Machine("still", variables, ()), workers)
    agree(Machine("empty", (), ()), workers)


@FIXTURES
@pytest.mark.parametrize("words", [1, 2, 3, 5, 9])
@given(machine=machines(findings=False))
def test_many_words_on_two_workers(words: int, machine: Machine) -> None:
    wide = padded(machine, words)
    assert reachable(wide, 2) == reachable_by_reference(wide)
