"""Proofs: what is proved is true, what is not comes with a step that shows why."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dirql.explorer.symbolic.certificate import to_smt2
from dirql.explorer.symbolic.induction import prove
from dirql.explorer.symbolic.proof import Counterexample, Kind
from dirql.model.domain import Boolean, Range
from dirql.model.expr import (
    FALSE,
    TRUE,
    And,
    Arithmetic,
    Compare,
    Constant,
    Expression,
    IfThenElse,
    Or,
    Read,
)
from dirql.model.machine import (
    Check,
    Context,
    ContextKind,
    Invariant,
    Machine,
    Transition,
    Variable,
)
from dirql.model.validation import MachineError

from .brute import Brute, evaluate
from .certificates import answers
from .machines import CONTEXTS, booleans, machines, peterson, peterson_help, rare

JUDGED = (Kind.INVARIANT, Kind.QUIESCENT, Kind.CHECK)

CLAIMS = st.lists(booleans(2) | rare(), max_size=5).map(
    lambda conditions: [Invariant("candidate", item, str(i)) for i, item in enumerate(conditions)]
)


def is_true(claim: Invariant, brute: Brute) -> bool:
    """Whether `claim` holds wherever it must, by enumeration."""
    return all(
        evaluate(claim.condition, brute.named(state))
        for state in brute.depth
        if not claim.quiescent or brute.quiescent(state)
    )


def is_step(machine: Machine, found: Counterexample) -> bool:
    """Whether the last two states of `found` are before and after its transition."""
    assert found.transition is not None
    taken = machine.transitions[found.transition]
    before, after = (dict(state) for state in found.states[-2:])
    conditions = (*taken.guard, *taken.scheduling, *(item.condition for item in taken.checks))
    assert all(evaluate(item, before) for item in conditions)
    return after == before | {name: evaluate(value, before) for name, value in taken.updates}


@given(machines(), CLAIMS, st.integers(1, 3))
def test_what_is_kept_holds_in_every_reachable_state(
    machine: Machine, claims: list[Invariant], steps: int
) -> None:
    brute = Brute(machine)
    proof = prove(machine, claims, steps=steps)
    assert len(proof.invariants) + len(proof.dropped) == len(claims)
    assert all(is_true(claim, brute) for claim in proof.invariants)


@given(machines(), CLAIMS)
def test_a_claim_is_dropped_with_a_step_that_breaks_it(
    machine: Machine, claims: list[Invariant]
) -> None:
    for lost in prove(machine, claims).dropped:
        assert lost.counterexample is not None
        assert not evaluate(lost.claim.condition, dict(lost.counterexample.states[-1]))
        if lost.round == 0:
            assert not is_true(lost.claim, Brute(machine))
        else:
            assert evaluate(lost.claim.condition, dict(lost.counterexample.states[0]))
            assert is_step(machine, lost.counterexample)


@given(machines(), CLAIMS)
def test_a_proved_goal_holds_and_one_not_proved_has_a_state(
    machine: Machine, claims: list[Invariant]
) -> None:
    brute = Brute(machine)
    proof = prove(machine, claims)
    broken = {(index, name) for _, index, _, name in brute.broken}
    invariants = iter(
        sorted(machine.invariants, key=lambda item: item.quiescent)  # as the goals come
    )
    for goal in proof.goals:
        if goal.kind is Kind.PROGRESS:
            assert not goal.proved
            continue
        assert goal.proved == (goal.counterexample is None)
        if goal.kind is Kind.CHECK and goal.proved:
            assert goal.transition is not None
            same = [
                c
                for c in machine.transitions[goal.transition].checks
                if c.property == goal.property
            ]
            assert len(same) > 1 or (goal.transition, goal.property) not in broken
        elif goal.kind in (Kind.INVARIANT, Kind.QUIESCENT):
            claim = next(invariants)
            assert claim.property == goal.property
            assert is_true(claim, brute) or not goal.proved


@given(machines(), CLAIMS, st.sets(st.sampled_from(("irql-too-high", "double-free"))))
def test_a_step_that_a_free_build_survives_is_taken(
    machine: Machine, claims: list[Invariant], survived: set[str]
) -> None:
    """What is kept holds behind it, and its own check is judged wherever it is reached."""
    names = dict.fromkeys(survived, "handled-but-unclaimed")

    def renamed(step: Transition, *, kept: bool) -> Transition:
        found = (replace(c, property=names.get(c.property, c.property)) for c in step.checks)
        return replace(
            step, checks=tuple(c for c in found if kept or c.property not in names.values())
        )

    graded, free = (
        replace(
            machine, transitions=tuple(renamed(step, kept=kept) for step in machine.transitions)
        )
        for kept in (True, False)
    )
    brute = Brute(free)
    proof = prove(graded, claims)
    assert all(is_true(claim, brute) for claim in proof.invariants)
    for goal in proof.goals:
        if goal.kind is Kind.CHECK and goal.proved and goal.transition is not None:
            step, other = graded.transitions[goal.transition], free.transitions[goal.transition]
            same = [item for item in step.checks if item.property == goal.property]
            reached = [brute.named(state) for state in brute.depth if other in brute.enabled(state)]
            assert len(same) > 1 or all(evaluate(same[0].condition, here) for here in reached)


@given(machines())
def test_the_reachable_set_is_inductive_and_proves_exactly_what_is_true(machine: Machine) -> None:
    brute = Brute(machine)
    states = [
        And(tuple(Compare("==", Read(n), Constant(v)) for n, v in brute.named(state).items()))
        for state in brute.depth
    ]
    claim = Invariant("candidate", Or(tuple(states)), "the reachable set")
    proof = prove(machine, [claim])
    assert proof.invariants == (claim,)
    expected = [
        is_true(item, brute) for item in sorted(machine.invariants, key=lambda item: item.quiescent)
    ]
    broken = {(index, number) for _, index, number, _ in brute.broken}
    expected += [
        (index, number) not in broken
        for index, transition in enumerate(machine.transitions)
        for number in range(len(transition.checks))
    ]
    assert [goal.proved for goal in proof.goals if goal.kind in JUDGED] == expected
    assert all(goal.proved for goal in proof.goals if goal.kind is Kind.DOMAIN)
    assert not any(goal.proved for goal in proof.goals if goal.kind is Kind.PROGRESS)
    for name in machine.races:
        races = [goal for goal in proof.goals if goal.property == name]
        possible = any(brute.races_in(state, name) for state in brute.depth)
        assert all(goal.proved for goal in races) != possible


def test_peterson_excludes() -> None:
    proof = prove(peterson(), peterson_help())
    assert proof.complete
    assert proof.invariants == peterson_help()
    assert proof.dropped == ()


def test_peterson_needs_its_help() -> None:
    proof = prove(peterson())
    (goal,) = proof.goals
    assert not goal.proved
    assert goal.counterexample is not None
    assert is_step(peterson(), goal.counterexample)


@pytest.mark.parametrize("missing", range(4))
def test_each_part_of_the_help_is_needed(missing: int) -> None:
    help_left = [item for number, item in enumerate(peterson_help()) if number != missing]
    assert not prove(peterson(), help_left).complete


def test_a_wrong_turn_breaks_the_proof() -> None:
    proof = prove(peterson(swapped=True), peterson_help())
    assert not proof.complete
    assert {item.counterexample.transition for item in proof.dropped if item.counterexample} == {
        1,
        5,
    }


@pytest.mark.parametrize("number", [0, 1, 4, 5])
def test_a_step_without_its_update_breaks_the_proof(number: int) -> None:
    machine = peterson()
    steps = list(machine.transitions)
    steps[number] = replace(steps[number], updates=steps[number].updates[:1])
    mutant = replace(machine, transitions=tuple(steps))
    assert not prove(mutant, peterson_help()).complete


def test_each_guard_of_peterson_is_needed() -> None:
    machine = peterson()
    steps = list(machine.transitions)
    steps[2] = replace(steps[2], guard=steps[2].guard[:1])
    assert not prove(replace(machine, transitions=tuple(steps)), peterson_help()).complete


N = Read("n")


def counter(*, guarded: bool = True, check: Expression = TRUE) -> Machine:
    """`n` goes 0, 1, 2, 0... and would go 3, 4, 5 if it were ever 3."""
    room = (Compare("<", N, Constant(7)),) if guarded else ()
    up = Transition(
        "up",
        "device",
        (Compare("!=", N, Constant(2)), *room),
        (("n", Arithmetic("+", N, Constant(1))),),
        (Check("double-free", check),),
    )
    back = Transition("back", "device", (Compare("==", N, Constant(2)),), (("n", Constant(0)),))
    claim = Invariant("claim-broken", Compare("!=", N, Constant(5)))
    variables = (Variable("n", Range(0, 7), (0,)), Variable("knob", Boolean(), (False, True)))
    return Machine("counter", variables, (up, back), CONTEXTS[2:], (claim,))


SMALL = Invariant("help", Compare("<=", N, Constant(2)), "n stays small")


@pytest.mark.parametrize(("steps", "proved"), [(1, False), (2, False), (3, True)])
def test_three_steps_back_see_what_one_does_not(steps: int, *, proved: bool) -> None:
    goal = prove(counter(), steps=steps).goals[0]
    assert (goal.kind, goal.proved) == (Kind.INVARIANT, proved)
    if goal.counterexample is not None:
        values = [dict(state)["n"] for state in goal.counterexample.states]
        assert values == [5 - steps + i for i in range(steps + 1)]


def test_a_check_needs_the_invariant() -> None:
    machine = counter(check=Compare("!=", N, Constant(3)))
    alone, helped = prove(machine), prove(machine, [SMALL])
    assert [goal.proved for goal in alone.goals if goal.kind is Kind.CHECK] == [False]
    assert helped.complete


def test_a_domain_is_left_unless_an_invariant_says_no() -> None:
    machine = counter(guarded=False)
    alone, helped = prove(machine), prove(machine, [SMALL])
    assert [goal.proved for goal in alone.goals if goal.kind is Kind.DOMAIN] == [False]
    assert helped.complete


def test_an_assumption_is_used_and_reported() -> None:
    knob = Read("knob")
    machine = counter(check=knob)
    assert not prove(machine, [SMALL]).complete
    proof = prove(machine, [SMALL], assumptions=[knob])
    assert proof.complete
    assert proof.assumptions == (knob,)


def test_what_falls_with_another_claim_falls_in_a_later_round() -> None:
    wrong = Invariant("help", Compare("!=", N, Constant(4)), "three is never left upwards")
    proof = prove(counter(), [wrong])
    assert [item.round for item in proof.dropped] == [1]
    assert not proof.goals[0].proved


def test_only_the_properties_asked_for_are_goals() -> None:
    proof = prove(counter(check=FALSE), [SMALL], properties=["claim-broken"])
    assert [goal.property for goal in proof.goals if goal.property] == ["claim-broken"]


def test_nonsense_is_refused() -> None:
    with pytest.raises(MachineError, match="nowhere"):
        prove(counter(), [Invariant("help", Read("nowhere"))])
    with pytest.raises(ValueError, match="quiescent"):
        prove(counter(), [replace(SMALL, quiescent=True)])
    with pytest.raises(ValueError, match="at least one step"):
        prove(counter(), steps=0)


def test_the_certificate_is_confirmed() -> None:
    machine = peterson()
    text = to_smt2(machine, [*peterson_help(), *machine.invariants])
    assert len(answers(text)) == 1 + len(machine.transitions)
    assert set(answers(text)) == {"unsat"}


def counting(update: Expression, *guard: Expression) -> Machine:
    """A machine of one step that sets `x`, in 0..3, and knows `y`, in 0..7."""
    step = Transition("counts", "T", guard, (("x", update),))
    variables = (Variable("x", Range(0, 3), (0,)), Variable("y", Range(0, 7), (0, 7)))
    thread = Context("T", ContextKind.THREAD, "", Constant("none"), Constant(0))
    return Machine("counting", variables, (step,), (thread,))


MORE = Arithmetic("+", Read("x"), Constant(1))
LAST = Compare("<", Read("x"), Constant(3))
SMALL_X = Invariant("claim", Compare("<=", Constant(0), Read("x")))
LOW_X = Invariant("claim", Compare("<", Read("x"), Constant(2)))


@pytest.mark.parametrize(
    ("machine", "claim", "fits"),
    [
        (counting(MORE), SMALL_X, False),
        (counting(MORE, LAST), SMALL_X, True),
        (counting(Arithmetic("-", Read("x"), Constant(1))), SMALL_X, False),
        (counting(Read("y")), SMALL_X, False),
        (counting(Read("y"), Compare("<", Read("y"), Constant(4))), SMALL_X, True),
        (counting(IfThenElse(LAST, MORE, Constant(0))), SMALL_X, True),
        (counting(Arithmetic("*", Read("x"), Read("y"))), LOW_X, False),
        (counting(Arithmetic("*", Read("x"), Read("x"))), LOW_X, True),
    ],
)
def test_a_certificate_asks_that_steps_stay_in_their_domains(
    machine: Machine, claim: Invariant, *, fits: bool
) -> None:
    """A step that leaves its domain leads nowhere, and so would preserve whatever is claimed."""
    proof = prove(machine, [claim])
    assert all(goal.proved for goal in proof.goals if goal.kind is Kind.DOMAIN) == fits
    text = to_smt2(machine, [claim])
    assert "stays in all domains: 0: T: counts" in text
    assert ("sat" not in answers(text)) == fits


def test_the_certificate_of_no_proof_is_refused() -> None:
    assert "sat" in answers(to_smt2(peterson(), peterson().invariants))
    assert "sat" in answers(to_smt2(peterson(swapped=True), peterson_help()))
    assert "sat" in answers(to_smt2(peterson(), peterson_help()[:1], peterson().invariants))
