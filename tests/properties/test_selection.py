"""Asking for some properties only: nothing asked is missed, nothing is invented."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dirql.model.algebra import negation
from dirql.model.domain import Boolean
from dirql.model.expr import FALSE, TRUE, Constant, Expression, Read
from dirql.model.machine import (
    MODEL_BOUND,
    Check,
    Context,
    ContextKind,
    Invariant,
    Machine,
    Progress,
    Transition,
    Variable,
)
from dirql.model.system import System
from dirql.properties import PROPERTIES, UnknownPropertyError, apply, rules_that_cut
from dirql.properties.property import Kind

from .systems import EMPTY, State, after, closure, enabled, reachable, value

RULES = ("irql-too-high", "use-after-free", "double-free")
FLAGS = ("a", "b", "c")


def step(
    name: str,
    updates: dict[str, bool],
    guard: tuple[Expression, ...] = (),
    checks: tuple[Check, ...] = (),
    *,
    spontaneous: bool = False,
) -> Transition:
    """A transition over flags."""
    return Transition(
        name,
        "device",
        guard,
        tuple((flag, Constant(to)) for flag, to in updates.items()),
        checks,
        spontaneous=spontaneous,
    )


def flag_system(
    *steps: Transition,
    invariants: tuple[Invariant, ...] = (),
    progress: tuple[Progress, ...] = (),
) -> System:
    """A system over three flags, false at first, that knows nothing of locks or lines."""
    device = Context("device", ContextKind.HARDWARE, "", Constant("none"), Constant(0))
    variables = tuple(Variable(flag, Boolean(), (False,)) for flag in FLAGS)
    machine = Machine("flags", variables, steps, (device,), invariants, progress)
    return replace(EMPTY, machine=machine)


def rule_findings(machine: Machine) -> set[tuple[str, str]]:
    """(rule, step) of every check that some reachable step breaks."""
    return {
        (check.property, move.name)
        for state in reachable(machine)
        for move in enabled(machine, state)
        for check in move.checks
        if not value(check.condition, dict(state))
    }


def is_quiescent(machine: Machine, state: State) -> bool:
    """Only spontaneous transitions are enabled."""
    return all(move.spontaneous for move in enabled(machine, state))


def taken(machine: Machine) -> set[int]:
    """The indices of all transitions enabled somewhere."""
    names = [id(move) for state in reachable(machine) for move in enabled(machine, state)]
    return {index for index, move in enumerate(machine.transitions) if id(move) in names}


def test_an_unknown_name_is_refused_with_the_nearest() -> None:
    with pytest.raises(UnknownPropertyError, match="did you mean use-after-free") as caught:
        apply(flag_system(), ["use-after-fre"])
    assert caught.value.closest[0] == "use-after-free"
    assert caught.value.name == "use-after-fre"


def test_asking_everything_leaves_the_transitions_alone() -> None:
    system = flag_system(step("use", {"a": True}, checks=(Check("use-after-free", Read("b")),)))
    assert apply(system).transitions == system.machine.transitions
    rules = [item.name for item in PROPERTIES if item.kind is Kind.RULE]
    assert apply(system, rules).transitions == system.machine.transitions
    assert rules_that_cut(system, None, {0}) == ()


def test_a_rule_that_is_not_asked_ends_behaviours_silently() -> None:
    use = step("use", {"a": True}, checks=(Check("use-after-free", Read("b")),))
    system = flag_system(use)
    machine = apply(system, ["irql-too-high"])
    assert rule_findings(machine) == set()
    assert all(not dict(state)["a"] for state in reachable(machine))
    assert machine.transitions[1].name == "use (breaks use-after-free)"
    assert rules_that_cut(system, ["irql-too-high"], taken(machine)) == ("use-after-free",)
    assert rules_that_cut(system, ["irql-too-high"], {0}) == ()


def test_a_check_that_cannot_fail_needs_no_cut() -> None:
    system = flag_system(step("use", {"a": True}, checks=(Check("use-after-free", TRUE),)))
    assert len(apply(system, []).transitions) == 1


def test_a_check_that_always_fails_ends_there() -> None:
    system = flag_system(step("use", {"a": True}, checks=(Check("use-after-free", FALSE),)))
    machine = apply(system, [])
    assert [move.name for move in enabled(machine, next(iter(reachable(machine))))] == [
        "use (breaks use-after-free)"
    ]


def test_model_bound_stays() -> None:
    bound = Check(MODEL_BOUND, Read("b"))
    machine = apply(flag_system(step("use", {"a": True}, checks=(bound,))), [])
    assert rule_findings(machine) == {(MODEL_BOUND, "use")}


def test_an_asked_rule_is_found_where_an_unasked_one_is_broken_too() -> None:
    checks = (Check("irql-too-high", Read("b")), Check("use-after-free", Read("c")))
    machine = apply(flag_system(step("use", {"a": True}, checks=checks)), ["use-after-free"])
    assert rule_findings(machine) == {("use-after-free", "use")}


def test_a_state_behind_a_cut_is_not_quiescent() -> None:
    use = step("use", {"a": True}, checks=(Check("use-after-free", Read("b")),))
    free = step("nothing owed", {"c": True}, spontaneous=True)
    machine = apply(flag_system(use, free), ["unserviced-cause"])
    assert not any(is_quiescent(machine, state) for state in reachable(machine))


def test_a_context_behind_a_cut_is_not_stuck() -> None:
    use = step("use", {"a": True}, checks=(Check("use-after-free", Read("b")),))
    goal = Progress("stuck-context", "device", negation(Read("a")), Read("a"))
    machine = apply(flag_system(use, progress=(goal,)), ["stuck-context"])
    (condition,) = machine.progress
    edges = reachable(machine)
    assert all(any(value(condition.goal, dict(s)) for s in closure(edges, t)) for t in edges)


def test_only_asked_races_and_conditions_are_added() -> None:
    system = flag_system()
    assert apply(system, ["data-race"]).races == ("data-race",)
    assert apply(system, ["irql-too-high"]).races == ()


flags = st.sampled_from(FLAGS)
atoms = st.one_of(flags.map(Read), flags.map(lambda name: negation(Read(name))))
checks = st.lists(st.builds(Check, st.sampled_from((*RULES, MODEL_BOUND)), atoms), max_size=2)
steps = st.lists(
    st.builds(
        step,
        st.just("step"),
        st.dictionaries(flags, st.booleans(), max_size=2),
        st.lists(atoms, max_size=2).map(tuple),
        checks.map(tuple),
        spontaneous=st.booleans(),
    ),
    min_size=1,
    max_size=5,
).map(lambda found: tuple(replace(item, name=f"step {i}") for i, item in enumerate(found)))


@given(steps, st.sets(st.sampled_from(RULES)))
def test_selection_is_exact(moves: tuple[Transition, ...], asked: set[str]) -> None:
    """What is reachable, found and quiescent is what the whole machine says."""
    system = flag_system(*moves)
    whole, part = system.machine, apply(system, asked)
    states = reachable(whole)
    assert set(reachable(part)) == set(states)
    assert rule_findings(part) == {
        finding for finding in rule_findings(whole) if finding[0] in (*asked, MODEL_BOUND)
    }
    for state, following in reachable(part).items():
        assert is_quiescent(part, state) == is_quiescent(whole, state)
        assert following - {state} == states[state] - {state}
    broken = {rule for rule, _ in rule_findings(whole)} - asked - {MODEL_BOUND}
    assert set(rules_that_cut(system, asked, taken(part))) == broken


@given(steps, st.sets(st.sampled_from(RULES)), atoms, atoms)
def test_progress_is_never_a_false_alarm(
    moves: tuple[Transition, ...], asked: set[str], live: Expression, goal: Expression
) -> None:
    """A failure means: whatever happens, no goal, and no step that would break any rule."""
    wish = Progress("stuck-context", "device", live, goal)
    system = flag_system(*moves, progress=(wish,))
    part = apply(system, asked)
    edges = reachable(part)
    for state in edges:
        later = closure(edges, state)
        if value(live, dict(state)) and not any(
            value(part.progress[0].goal, dict(s)) for s in later
        ):
            for end in later:
                assert not value(goal, dict(end))
                for move in enabled(system.machine, end):
                    unasked = [c for c in move.checks if c.property not in (*asked, MODEL_BOUND)]
                    assert all(value(check.condition, dict(end)) for check in unasked)
                    assert after(move, end) in later or any(
                        not value(check.condition, dict(end)) for check in move.checks
                    )
