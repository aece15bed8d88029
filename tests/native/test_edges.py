"""Machines at the edges: many words, wide numbers, nothing to do, limits."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dirql.explorer import budget
from dirql.explorer.engine import Limits, Snapshot
from dirql.explorer.native import NativeEngine, NoCache, reachable, search
from dirql.explorer.native.codec import Layout
from dirql.explorer.native.program import Program
from dirql.explorer.native.progress import lost
from dirql.explorer.native.space import Space
from dirql.explorer.reference import ReferenceEngine
from dirql.explorer.reference import reachable as reachable_by_reference
from dirql.explorer.verdict import Holds, Unknown, Violated
from dirql.model.algebra import arithmetic, conjunction, equal, less, less_equal
from dirql.model.domain import Enumeration, Range
from dirql.model.expr import (
    FALSE,
    TRUE,
    Arithmetic,
    Compare,
    Constant,
    Expression,
    IfThenElse,
    Member,
    Operation,
    Read,
    Select,
)
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
from dirql.model.validation import MachineError

from ..machines import Clock, machines, racing_machines
from ..models import many_beginnings, philosophers

ENGINE = NativeEngine(cache=NoCache())
PADDING = Context("padding", ContextKind.HARDWARE, "", Constant("none"), Constant(0))
LOW, HIGH = -(2**59), 2**59 - 1


def padded(machine: Machine, words: int) -> Machine:
    """`machine` with its variables spread over so many words, and one wide one that changes."""
    pads = [Variable(f"pad {n}", Range(LOW, HIGH), (LOW + n, HIGH)) for n in range(words)]
    pads = [replace(pad, initial=pad.initial[: 1 + (n < 2)]) for n, pad in enumerate(pads)]
    spread = list(machine.variables)
    for number, pad in enumerate(pads):
        spread.insert(number * 2, pad)
    wide = Read("pad 0")
    turn = Transition(
        "turn",
        "padding",
        (less(wide, Constant(0)),),
        (("pad 0", arithmetic("-", Constant(-1), wide)),),
    )
    return replace(
        machine,
        variables=tuple(spread),
        contexts=(*machine.contexts, PADDING),
        transitions=(*machine.transitions, turn),
    )


@pytest.mark.parametrize("words", [1, 2, 3, 5, 9])
@given(machine=machines())
def test_many_words(words: int, machine: Machine) -> None:
    wide = padded(machine, words)
    assert Layout(wide).words >= words
    assert reachable(wide) == reachable_by_reference(wide)
    one, other = ReferenceEngine().check(wide), ENGINE.check(wide)
    assert replace(one.statistics, seconds=0) == replace(other.statistics, seconds=0)
    if not any(transition.opaque for transition in wide.transitions):
        assert type(one.verdict) is type(other.verdict)


@pytest.mark.parametrize("operator", ["+", "-", "*", "&", "|", "^", "//", "%", "<<", ">>"])
@pytest.mark.parametrize("bits", [31, 62, 63, 64, 90])
def test_arithmetic_beyond_a_word(operator: Operation, bits: int) -> None:
    """What Python computes with unlimited integers, at both ends of the domain."""
    ends = (-(2**bits), -1, 0, 1, 2**bits - 1)
    constants = {"//": (1, 3, 2**bits + 1), "%": (1, 3, 2**bits + 1), "<<": (0, 31), ">>": (0, 31)}
    choice = Variable("choice", Range(0, len(ends) - 1), tuple(range(len(ends))))
    value = Select(Read("choice"), tuple(map(Constant, ends)))
    for right in constants.get(operator, ends):
        result: Expression = Arithmetic(operator, value, Constant(right))
        meant = [_python(operator, left, right) for left in ends]
        good = Compare("==", result, Select(Read("choice"), tuple(map(Constant, meant))))
        machine = Machine("wide", (choice,), (), (), (Invariant("wrong", good),))
        assert isinstance(ENGINE.check(machine).verdict, Holds), (right, meant)
        bad = Compare("==", result, Select(Read("choice"), tuple(Constant(n + 1) for n in meant)))
        machine = Machine("wide", (choice,), (), (), (Invariant("wrong", bad),))
        assert isinstance(ENGINE.check(machine).verdict, Violated)


def _python(operator: Operation, left: int, right: int) -> int:
    match operator:
        case "+":
            return left + right
        case "-":
            return left - right
        case "*":
            return left * right
        case "&":
            return left & right
        case "|":
            return left | right
        case "^":
            return left ^ right
        case "//":
            return left // right
        case "%":
            return left % right
        case "<<":
            return left << right
        case ">>":
            return left >> right


def test_nothing_at_all() -> None:
    result = ENGINE.check(Machine("empty", (), ()))
    assert isinstance(result.verdict, Holds)
    assert (result.statistics.states, result.statistics.transitions) == (1, 0)


def test_no_transitions_and_several_initial_states() -> None:
    variable = Variable("v", Range(0, 99), tuple(range(0, 99, 2)))
    machine = Machine(
        "still", (variable,), (), (), (Invariant("odd", less(Read("v"), Constant(99))),)
    )
    result = ENGINE.check(machine)
    assert isinstance(result.verdict, Holds)
    assert result.statistics.states == 50


def test_labels_without_a_variable() -> None:
    flag = Variable("flag", Range(0, 1), (0, 1))
    chosen = IfThenElse(equal(Read("flag"), Constant(0)), Constant("red"), Constant("blue"))
    conditions = (
        Compare("!=", chosen, Constant("green")),
        Member(chosen, ("blue", "red")),
        Compare("==", Select(Read("flag"), (Constant("red"), Constant("blue"))), chosen),
    )
    invariants = tuple(Invariant("wrong", condition) for condition in conditions)
    assert isinstance(ENGINE.check(Machine("labels", (flag,), (), (), invariants)).verdict, Holds)
    wrong = Invariant("wrong", Member(chosen, ("blue", "green")))
    assert isinstance(ENGINE.check(Machine("labels", (flag,), (), (), (wrong,))).verdict, Violated)


def counter(high: int, *, to: int) -> Machine:
    """Counts up to `to` in a domain that ends at `high`."""
    value = Read("v")
    step = Transition(
        "count",
        "padding",
        (less(value, Constant(to)),),
        (("v", arithmetic("+", value, Constant(1))),),
    )
    return Machine("counter", (Variable("v", Range(0, high), (0,)),), (step,), (PADDING,))


def test_a_value_outside_its_domain_is_the_error_of_the_reference() -> None:
    with pytest.raises(MachineError) as expected:
        ReferenceEngine().check(counter(9, to=20))
    with pytest.raises(MachineError) as found:
        ENGINE.check(counter(9, to=20))
    assert str(found.value) == str(expected.value)


def test_a_false_invariant_comes_before_a_value_outside() -> None:
    machine = counter(9, to=20)
    invariant = Invariant("nine", less(Read("v"), Constant(9)))
    verdict = ENGINE.check(replace(machine, invariants=(invariant,))).verdict
    assert isinstance(verdict, Violated)
    assert len(verdict.trace.steps) == 9


def test_thousands_of_transitions() -> None:
    count = 3000
    points = Enumeration("points", tuple(f"p{n:04}" for n in range(count)))
    here = Read("at")
    steps = tuple(
        Transition(
            f"step {n}",
            "walker",
            (equal(here, Constant(points.labels[n])),),
            (("at", Constant(points.labels[(n + 1) % count])),),
            checks=(Check("never", conjunction(less_equal(Constant(0), Constant(n)))),),
        )
        for n in range(count)
    )
    walker = Context("walker", ContextKind.THREAD, "at", Constant("none"), Constant(0))
    machine = Machine("walk", (Variable("at", points, ("p0000",), "walker"),), steps, (walker,))
    result = ENGINE.check(machine)
    assert isinstance(result.verdict, Holds)
    assert result.statistics.states == result.statistics.transitions == count
    assert result.statistics.depth == count - 1
    assert len(result.statistics.taken) == count


def test_many_progress_conditions() -> None:
    machine = philosophers(4, left_handed=False)
    more = machine.progress * 20
    assert isinstance(ENGINE.check(replace(machine, progress=more)).verdict, Holds)
    stuck = Progress("stuck-context", machine.contexts[2].name, TRUE, FALSE)
    verdict = ENGINE.check(replace(machine, progress=(*more, stuck))).verdict
    assert isinstance(verdict, Violated)
    assert verdict.trace.violation.contexts == (machine.contexts[2].name,)
    assert verdict.trace.steps == ()


@given(machines(findings=False), st.integers(1, 30))
def test_a_limit_of_states_is_kept(machine: Machine, limit: int) -> None:
    """With steps in the order of contexts, as compiled, even the same states are found."""
    limits = Limits(states=limit)
    steps = tuple(sorted(machine.transitions, key=lambda transition: transition.context))
    machine = replace(machine, transitions=steps)
    one, other = ReferenceEngine().check(machine, limits), ENGINE.check(machine, limits)
    assert other.statistics.states <= limit
    assert replace(one.statistics, seconds=0) == replace(other.statistics, seconds=0)
    if not any(transition.opaque for transition in machine.transitions):
        assert type(one.verdict) is type(other.verdict)


@given(racing_machines(), st.integers(1, 30))
def test_a_race_found_before_a_limit_is_reported(machine: Machine, limit: int) -> None:
    """The answer of the reference explorer, not `Unknown` with the race in hand."""
    limits = Limits(states=limit)
    steps = tuple(sorted(machine.transitions, key=lambda transition: transition.context))
    machine = replace(machine, transitions=steps)
    one, other = ReferenceEngine().check(machine, limits), ENGINE.check(machine, limits)
    assert type(one.verdict) is type(other.verdict)
    assert replace(one.statistics, seconds=0) == replace(other.statistics, seconds=0)


def test_a_limit_of_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """By a clock that goes on with each look, not with the speed of the computer."""
    monkeypatch.setattr(budget, "time", Clock(0.0001))
    result = ENGINE.check(counter(2**40, to=2**40), Limits(seconds=0.2))
    assert isinstance(result.verdict, Unknown)
    assert result.verdict.reason.startswith("the limit of 0.2 seconds was reached: ")
    assert result.statistics.states > 1000
    assert result.statistics.depth > 1000
    assert not result.statistics.complete


def test_time_may_run_out_while_progress_is_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    """A search that found nothing wrong and did not finish judging has not shown that it holds."""
    clock = Clock(0.0)
    monkeypatch.setattr(budget, "time", clock)

    def slow(program: Program, space: Space, may_go_on: Callable[[], bool]) -> None:
        clock.now += 0.6
        assert not may_go_on()
        assert lost(program, space, may_go_on) is None

    monkeypatch.setattr(search, "lost", slow)
    result = ENGINE.check(philosophers(3), Limits(seconds=0.5))
    assert isinstance(result.verdict, Unknown)
    assert result.verdict.reason == (
        "the limit of 0.5 seconds was reached while progress was judged"
    )
    assert result.limited
    assert not result.statistics.complete


def test_a_limit_of_memory() -> None:
    result = ENGINE.check(counter(2**40, to=2**40), Limits(memory=1))
    assert isinstance(result.verdict, Unknown)
    assert "the limit of 1 bytes of memory was reached" in result.verdict.reason


def test_somebody_watches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budget, "time", Clock(0.001))
    seen: list[Snapshot] = []
    ENGINE.check(counter(2**40, to=2**40), Limits(seconds=0.5), seen.append)
    assert seen
    assert seen[-1].states >= seen[0].states > 0


@pytest.mark.parametrize("limits", [Limits(seconds=0.1), Limits(memory=1)])
@pytest.mark.parametrize("workers", [1, 2])
def test_more_initial_states_than_there_is_time_for(limits: Limits, workers: int) -> None:
    """2^40 of them: the limit ends their making as well."""
    result = NativeEngine(NoCache(), workers).check(many_beginnings(40), limits)
    assert isinstance(result.verdict, Unknown)
    assert result.limited
    assert not result.statistics.complete
