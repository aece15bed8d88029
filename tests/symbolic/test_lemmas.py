"""Lemmas learnt from reachable states: with them a proof finds out everything that is true."""

from dataclasses import replace

from hypothesis import given

from dirql.explorer.symbolic.induction import prove
from dirql.explorer.symbolic.lemmas import lemmas
from dirql.explorer.symbolic.observed import LEMMA
from dirql.explorer.symbolic.proof import Kind, Proof
from dirql.model.domain import Range
from dirql.model.expr import FALSE, Arithmetic, Compare, Constant, Member, Read
from dirql.model.machine import (
    Check,
    Context,
    ContextKind,
    Invariant,
    Machine,
    Transition,
    Variable,
)

from .brute import Brute, evaluate
from .machines import machines

COUNTER = Variable("n", Range(0, 7), (0,))
CONTEXTS = (Context("a", ContextKind.HARDWARE, "", Constant("none"), Constant(0)),)


def names(machine: Machine) -> set[str]:
    """The properties that `machine` asks for."""
    checks = {check.property for item in machine.transitions for check in item.checks}
    return checks | {item.property for item in machine.invariants} | set(machine.races)


def proved(machine: Machine) -> Proof:
    """What is proved of `machine` with lemmas and nothing else."""
    return prove(machine, lemmas(machine, (), names(machine)))


def counting_by_two(limit: int) -> Machine:
    """A counter that goes 0, 2, 4, 6, 0, and a rule that it is never `limit`."""
    n = Read("n")
    step = Transition(
        "count",
        "a",
        (Compare("<", n, Constant(6)),),
        (("n", Arithmetic("+", n, Constant(2))),),
    )
    back = Transition("back", "a", (Compare("==", n, Constant(6)),), (("n", Constant(0)),))
    wrong = Transition(
        "break", "a", (Compare("==", n, Constant(limit)),), (), (Check("never-there", FALSE),)
    )
    return Machine("counter", (COUNTER,), (step, back, wrong), CONTEXTS)


def test_a_goal_that_is_true_and_not_inductive_is_proved() -> None:
    machine = counting_by_two(5)
    assert not prove(machine).complete
    proof = proved(machine)
    assert proof.complete
    assert proof.invariants == (
        Invariant(LEMMA, proof.invariants[0].condition, "never n in {1, 3, 5, 7}"),
    )
    assert not any(goal.everywhere for goal in proof.goals if goal.property == "never-there")


def test_a_goal_that_is_false_is_not_proved() -> None:
    assert not proved(counting_by_two(4)).complete


def test_a_false_goal_does_not_keep_others_from_being_proved() -> None:
    machine = counting_by_two(4)
    odd = Invariant("never-odd", Member(Read("n"), (0, 2, 4, 6)))
    proof = proved(replace(machine, invariants=(odd,)))
    assert {goal.property: goal.proved for goal in proof.goals if goal.property} == {
        "never-there": False,
        "never-odd": True,
    }


def test_larger_spaces_than_allowed_get_no_lemmas() -> None:
    machine = counting_by_two(5)
    assert lemmas(machine, (), names(machine), most=4) == ()
    assert lemmas(machine, (), names(machine), most=5)


def test_a_domain_too_wide_to_be_listed_is_told_by_the_values_seen() -> None:
    machine = counting_by_two(5)
    wide = Variable("n", Range(-(2**31), 2**31 - 1), (0,))
    proof = proved(replace(machine, variables=(wide,)))
    assert proof.complete
    assert [item.detail for item in proof.invariants] == ["never n not in {0, 2, 4, 6}"]


def test_too_many_values_of_a_wide_domain_get_no_lemmas() -> None:
    n = Read("n")
    more = Compare("<", n, Constant(5000))
    step = Transition("count", "a", (more,), (("n", Arithmetic("+", n, Constant(1))),))
    wide = Variable("n", Range(0, 2**32 - 1), (0,))
    assert lemmas(Machine("counter", (wide,), (step,), CONTEXTS), (), ()) == ()


def test_no_time_is_no_lemmas_and_no_proof() -> None:
    machine = counting_by_two(5)
    assert lemmas(machine, (), names(machine), seconds=0.0) == ()


def test_a_claim_that_is_false_is_not_assumed() -> None:
    """A wrong candidate neither helps nor hinders."""
    machine = counting_by_two(5)
    wrong = Invariant("candidate", Member(Read("n"), (0,)))
    found = lemmas(machine, (wrong,), names(machine))
    proof = prove(machine, (wrong, *found))
    assert proof.complete
    assert [item.claim for item in proof.dropped] == [wrong]


def test_a_machine_that_leaves_a_domain_gets_no_lemmas() -> None:
    n = Read("n")
    step = Transition("count", "a", (), (("n", Arithmetic("+", n, Constant(2))),))
    machine = Machine("counter", (COUNTER,), (step,), CONTEXTS)
    assert lemmas(machine, (), ()) == ()
    assert [goal.proved for goal in proved(machine).goals] == [False]


@given(machines())
def test_with_lemmas_exactly_what_is_true_is_proved(machine: Machine) -> None:
    brute = Brute(machine)
    proof = proved(machine)
    assert not proof.dropped
    expected = [
        all(
            evaluate(item.condition, brute.named(state))
            for state in brute.depth
            if not item.quiescent or brute.quiescent(state)
        )
        for item in sorted(machine.invariants, key=lambda item: item.quiescent)
    ]
    broken = {(index, number) for _, index, number, _ in brute.broken}
    expected += [
        (index, number) not in broken
        for index, transition in enumerate(machine.transitions)
        for number in range(len(transition.checks))
    ]
    judged = (Kind.INVARIANT, Kind.QUIESCENT, Kind.CHECK)
    assert [goal.proved for goal in proof.goals if goal.kind in judged] == expected
    assert all(goal.proved for goal in proof.goals if goal.kind is Kind.DOMAIN)
    for name in machine.races:
        races = [goal for goal in proof.goals if goal.property == name]
        possible = any(brute.races_in(state, name) for state in brute.depth)
        assert all(goal.proved for goal in races) != possible
