"""What is broken and survived, what lies behind it, and which of them is the answer."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, note
from hypothesis import strategies as st

from dirql.explorer.assumptions import Settled
from dirql.explorer.engine import NO_LIMITS, Limits, Snapshot
from dirql.explorer.gravest import Gravest
from dirql.explorer.reference import ReferenceEngine
from dirql.explorer.replay import replay
from dirql.explorer.verdict import Holds, Result, Unknown, Violated
from dirql.model.domain import Range
from dirql.model.dump import dump
from dirql.model.expr import FALSE, Arithmetic, Compare, Constant, Expression, Read
from dirql.model.machine import (
    MODEL_BOUND,
    Check,
    Choice,
    Context,
    ContextKind,
    Invariant,
    Machine,
    Transition,
    Variable,
)
from dirql.properties import PROPERTIES, Grade, alone, grade_of, without

from ..machines import machines, racing_machines
from ..oracle import Oracle

CRASHES = ("use-after-free", "assertion-failed")
CONTRACTS = ("handled-but-unclaimed", "release-out-of-order", "device-unmasked-at-disconnect")
SURVIVED = [item.name for item in PROPERTIES if item.grade is not Grade.CRASH]


def at(number: int) -> Expression:
    """Whether the count is there."""
    return Compare("==", Read("count"), Constant(number))


def counting(
    *checks: tuple[int, str], last: int = 9, unknown: int = -1, bound: int = -1
) -> Machine:
    """Counts to `last`; the step from a number breaks the rules given with it.

    The step from `unknown` takes one way of an unknown value, and the other way counts no further;
    at `bound` is a limit of the model.
    """
    steps = [
        Transition(
            f"from {number}",
            "device",
            (at(number),),
            (("count", Arithmetic("+", Read("count"), Constant(1))),),
            (
                *(Check(name, FALSE, f"at {number}") for here, name in checks if here == number),
                *((Check(MODEL_BOUND, FALSE, "no more"),) if number == bound else ()),
            ),
            spontaneous=True,
            opaque="a value" if number == unknown else "",
            choices=(Choice("1", "a value"),) if number == unknown else (),
        )
        for number in range(last)
    ]
    if unknown >= 0:
        ends = (("count", Constant(last)),)
        other = (Choice("0", "a value"),)
        steps.append(
            Transition(
                "ends",
                "device",
                (at(unknown),),
                ends,
                spontaneous=True,
                opaque="a value",
                choices=other,
            )
        )
    device = Context("device", ContextKind.HARDWARE, "", Constant("none"), Constant(0))
    variable = Variable("count", Range(0, last), (0,))
    return Machine("counting", (variable,), tuple(steps), (device,))


def check(machine: Machine, limits: Limits | None = None) -> Result:
    return Gravest(Settled(ReferenceEngine())).check(machine, limits or Limits())


def told(result: Result) -> list[tuple[str, int]]:
    """The properties named, in order, with the lengths of their traces."""
    assert isinstance(result.verdict, Violated)
    return [(item.property, len(item.trace.steps)) for item in (result.verdict, *result.others)]


def test_what_holds_costs_one_search() -> None:
    searches: list[Machine] = []

    class Counting(ReferenceEngine):
        def check(
            self,
            machine: Machine,
            limits: Limits = NO_LIMITS,
            watch: Callable[[Snapshot], None] | None = None,
        ) -> Result:
            searches.append(machine)
            return super().check(machine, limits, watch)

    assert isinstance(Gravest(Counting()).check(counting()).verdict, Holds)
    assert len(searches) == 1


def test_a_crash_behind_broken_contracts_is_the_answer() -> None:
    machine = counting((2, CONTRACTS[0]), (4, CONTRACTS[1]), (7, CRASHES[0]), (8, CONTRACTS[2]))
    result = check(machine)
    assert told(result) == [(CRASHES[0], 8), (CONTRACTS[0], 3), (CONTRACTS[1], 5)]
    assert result.statistics.states == 8
    assert result.unfinished == ""
    for item in (result.verdict, *result.others):
        assert isinstance(item, Violated)
        replay(machine, item.trace)


def test_a_crash_hides_what_lies_behind_it() -> None:
    assert told(check(counting((2, CRASHES[0]), (4, CONTRACTS[0])))) == [(CRASHES[0], 3)]


def test_two_rules_broken_by_one_step() -> None:
    machine = counting((2, CONTRACTS[0]), (2, CRASHES[0]))
    assert told(check(machine)) == [(CRASHES[0], 3), (CONTRACTS[0], 3)]


def test_of_contracts_the_first_found_is_the_answer_with_its_own_statistics() -> None:
    result = check(counting((2, CONTRACTS[0]), (4, CONTRACTS[1])))
    assert told(result) == [(CONTRACTS[0], 3), (CONTRACTS[1], 5)]
    assert result.statistics.states == 3


def test_an_invariant_that_a_free_build_survives_hides_nothing() -> None:
    machine = counting((6, CRASHES[0]))
    silent = Invariant(CONTRACTS[2], Compare("<", Read("count"), Constant(3)), "asserts")
    result = check(replace(machine, invariants=(silent,)))
    assert told(result) == [(CRASHES[0], 7), (CONTRACTS[2], 3)]


def test_nothing_is_searched_when_nothing_is_left_to_ask() -> None:
    names: list[int] = []

    def behind(passed: int) -> ReferenceEngine:
        names.append(passed)
        return ReferenceEngine()

    Gravest(ReferenceEngine(), behind).check(counting((2, CONTRACTS[0])))
    assert names == []
    Gravest(ReferenceEngine(), behind).check(counting((2, CONTRACTS[0]), (4, CONTRACTS[1])))
    assert names == [1]


def test_a_violation_stays_one_when_a_later_search_is_cut_short() -> None:
    machine = counting((2, CONTRACTS[0]), (8, CRASHES[0]))
    result = check(machine, Limits(states=6))
    assert told(result) == [(CONTRACTS[0], 3)]
    assert result.limited
    assert "6 states" in result.unfinished


def test_a_limit_of_the_model_behind_a_broken_contract() -> None:
    result = check(counting((2, CONTRACTS[0]), (7, CRASHES[0]), bound=5))
    assert told(result) == [(CONTRACTS[0], 3)]
    assert "a limit of the model" in result.unfinished


def test_a_contract_that_only_an_unknown_value_breaks_hides_no_crash() -> None:
    machine = counting((2, CONTRACTS[0]), (5, CRASHES[0]), unknown=1)
    result = check(machine)
    assert isinstance(result.verdict, Unknown)  # the crash needs the value as well
    assert result.verdict.possible is not None
    assert result.verdict.possible.violation.property == CRASHES[0]
    result = check(counting((2, CONTRACTS[0]), unknown=1))
    assert isinstance(result.verdict, Unknown)
    assert result.verdict.possible is not None
    assert result.verdict.possible.violation.property == CONTRACTS[0]


def test_a_possible_crash_behind_a_certain_contract() -> None:
    result = check(counting((2, CONTRACTS[0]), (6, CRASHES[0]), unknown=4))
    assert told(result) == [(CONTRACTS[0], 3)]
    assert "depends on a value" in result.unfinished


@pytest.mark.parametrize("name", [*CRASHES, MODEL_BOUND, "no such property"])
def test_a_crash_cannot_be_left_out(name: str) -> None:
    assert grade_of(name) is Grade.CRASH
    with pytest.raises(ValueError, match="whether asked or not"):
        without(counting(), {name})


def test_a_machine_about_one_property_keeps_what_ends_behaviours() -> None:
    machine = counting((1, CONTRACTS[0]), (2, CONTRACTS[1]), (3, CRASHES[0]))
    left = {
        item.property for step in alone(machine, CONTRACTS[1]).transitions for item in step.checks
    }
    assert left == {CONTRACTS[1], CRASHES[0]}


@st.composite
def graded(draw: st.DrawFn) -> Machine:
    """A random machine whose rules and invariants have the names of properties of each grade."""
    machine = draw(st.one_of(machines(), racing_machines()))
    names: dict[str, str] = {MODEL_BOUND: MODEL_BOUND, "stuck-context": "stuck-context"}
    grades = st.sampled_from((*CRASHES, *CONTRACTS, *CONTRACTS))

    def renamed(item: Check) -> Check:
        if item.detail.endswith("overflows"):
            return replace(item, property=CRASHES[0])
        return replace(item, property=_drawn(draw, names, item.property, grades))

    return replace(
        machine,
        transitions=tuple(
            replace(step, checks=tuple(map(renamed, step.checks))) for step in machine.transitions
        ),
        invariants=tuple(
            replace(item, property=_drawn(draw, names, item.property, grades))
            for item in machine.invariants
        ),
    )


def _drawn(draw: st.DrawFn, names: dict[str, str], old: str, grades: st.SearchStrategy[str]) -> str:
    if old not in names:
        names[old] = draw(grades)
    return names[old]


def crashes_only(machine: Machine) -> Machine:
    """The machine by hand: what is survived is neither asked nor ends anything."""
    return replace(
        machine,
        transitions=tuple(
            replace(step, checks=tuple(c for c in step.checks if c.property not in SURVIVED))
            for step in machine.transitions
        ),
        invariants=tuple(item for item in machine.invariants if item.property not in SURVIVED),
        races=(),
    )


@given(graded())
def test_a_crash_is_found_wherever_there_is_one(machine: Machine) -> None:
    """What the layer says of crashes is what brute force says where nothing else is asked."""
    note(dump(machine))
    result = Gravest(ReferenceEngine()).check(machine)
    answer = Oracle(crashes_only(machine)).answer()
    match result.verdict:
        case Violated(name, trace) if grade_of(name) is Grade.CRASH:
            assert (answer.kind, answer.property) == ("violated", name)
            assert len(trace.steps) == answer.length
        case Violated() if not result.unfinished:
            assert answer.kind == "holds"
        case Holds():
            assert answer.kind == "holds"
        case _:
            pass


@given(graded())
def test_every_trace_replays_and_every_name_comes_once(machine: Machine) -> None:
    note(dump(machine))
    result = Gravest(ReferenceEngine()).check(machine)
    if not isinstance(result.verdict, Violated):
        assert result.others == ()
        return
    found = (result.verdict, *result.others)
    assert len({item.property for item in found}) == len(found)
    ranks = [list(Grade).index(grade_of(item.property)) for item in found]
    assert ranks[0] == min(ranks)
    for item in found:
        replay(machine, item.trace)
