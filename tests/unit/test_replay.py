"""Replay accepts what happened and refuses every change of it."""

from collections.abc import Callable
from dataclasses import replace
from typing import TypeAlias

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dirql.explorer.reference import ReferenceEngine
from dirql.explorer.replay import ReplayError, replay
from dirql.explorer.trace import Trace, Violation
from dirql.explorer.verdict import Violated
from dirql.model.algebra import equal, negation
from dirql.model.expr import FALSE, Constant, Read
from dirql.model.machine import Access, AccessKind, Check, Invariant, Machine, Span, Transition

from ..changing import changed
from ..machines import machines
from ..models import mutex, peterson, philosophers


def violation_of(machine: Machine) -> Trace:
    """The trace that the reference explorer finds."""
    verdict = ReferenceEngine().check(machine).verdict
    assert isinstance(verdict, Violated)
    return verdict.trace


def broken_check() -> Machine:
    """The second acquire breaks a rule, and a third thing never happens."""
    machine = mutex()
    take, give, *others = machine.transitions
    rule = Check("recursive-lock-acquire", negation(Read("held")), "it is held", "hang")
    careless = replace(take, guard=(), checks=(rule,))
    return replace(machine, transitions=(careless, give, *others))


def changed_step(number: int, **parts: object) -> Callable[[Trace], Trace]:
    """The trace with one step changed."""

    def change(trace: Trace) -> Trace:
        steps = list(trace.steps)
        steps[number] = changed(steps[number], **parts)
        return replace(trace, steps=tuple(steps))

    return change


def shorter(trace: Trace) -> Trace:
    return replace(trace, steps=trace.steps[:-1])


def other_property(trace: Trace) -> Trace:
    return replace(trace, violation=replace(trace.violation, property="deadlock"))


Change: TypeAlias = Callable[[Trace], Trace]

REFUSED: list[tuple[Change, str]] = [
    (lambda trace: replace(trace, digest="0" * 64), "another machine"),
    (shorter, "does not violate both-inside"),
    (other_property, "does not violate deadlock"),
    (lambda trace: replace(trace, initial=trace.initial[1:]), "does not list the variables"),
    (lambda trace: replace(trace, initial=(("turn", "c"), *trace.initial[1:])), "start with 'c'"),
    (changed_step(0, transition=99), "no transition 99"),
    (changed_step(0, name="enter"), "is 'start' of 'a'"),
    (changed_step(0, context="b"), "of 'a'"),
    (changed_step(0, irql=2), "at IRQL 0 there, the trace says 2"),
    (changed_step(0, changes=()), "the trace says ()"),
    (lambda trace: replace(trace, steps=trace.steps[1:]), "cannot happen there: at "),
]  # fmt: skip


@pytest.mark.parametrize(("change", "words"), REFUSED)
def test_a_changed_trace_is_refused(change: Callable[[Trace], Trace], words: str) -> None:
    machine = peterson(flags=False)
    trace = violation_of(machine)
    assert len(replay(machine, trace)) == len(trace.steps) + 1
    with pytest.raises(ReplayError) as raised:
        replay(machine, change(trace))
    assert words in str(raised.value)


def test_a_broken_check() -> None:
    machine = broken_check()
    trace = violation_of(machine)
    assert [step.name for step in trace.steps] == ["acquire", "acquire"]
    assert trace.violation == Violation(
        "recursive-lock-acquire", "it is held", "hang", at_step=True, contexts=("a",)
    )
    assert trace.steps[-1].changes == ()
    assert len(replay(machine, trace)) == len(trace.steps)


REFUSED_CHECKS: list[tuple[Change, str]] = [
    (other_property, "does not break deadlock"),
    (changed_step(-1, changes=(("held", False, True),)), "changes nothing"),
    (shorter, "does not break recursive-lock-acquire"),
    (lambda trace: replace(trace, steps=()), "has no step"),
    (lambda trace: replace(trace, steps=trace.steps * 2), "goes on behind it"),
]


@pytest.mark.parametrize(("change", "words"), REFUSED_CHECKS)
def test_a_changed_broken_check_is_refused(change: Callable[[Trace], Trace], words: str) -> None:
    machine = broken_check()
    with pytest.raises(ReplayError) as raised:
        replay(machine, change(violation_of(machine)))
    assert words in str(raised.value)


def test_progress_is_searched_anew() -> None:
    machine = philosophers(3)
    trace = violation_of(machine)
    replay(machine, trace)
    with pytest.raises(ReplayError, match="does not violate stuck-context"):
        replay(machine, shorter(trace))


def test_a_quiescent_invariant_needs_a_state_at_rest() -> None:
    """With the releases spontaneous, a held lock leaves nothing that must happen."""
    machine = mutex()
    rest = Invariant("lock-left-held", negation(Read("held")), quiescent=True)
    machine = replace(machine, invariants=(rest,))
    assert not isinstance(ReferenceEngine().check(machine).verdict, Violated)
    steps = [replace(step, spontaneous=step.name == "release") for step in machine.transitions]
    machine = replace(machine, transitions=tuple(steps))
    trace = violation_of(machine)
    assert [step.name for step in trace.steps] == ["acquire"]
    replay(machine, trace)
    with pytest.raises(ReplayError, match="does not violate lock-left-held"):
        replay(machine, shorter(trace))


def racing(kind: AccessKind, other: AccessKind, *spans: Span) -> Machine:
    """Both threads touch `x` inside, and nothing keeps them out."""
    machine = mutex()
    kinds = {"a": kind, "b": other}

    def touched(step: Transition) -> Transition:
        if step.name == "acquire":
            return replace(step, guard=step.guard[:1])
        access = Access("x", kinds[step.context], Constant(1))
        return replace(step, accesses=(access,))

    steps = tuple(map(touched, machine.transitions))
    races = ("data-race", "torn-read-modify-write")
    return replace(machine, transitions=steps, invariants=(), races=races, spans=spans)


UPDATE = Span("a", "x", equal(Read("at a"), Constant("in")), name="release")


@pytest.mark.parametrize(
    ("machine", "property"),
    [
        (racing(AccessKind.PLAIN_READ, AccessKind.PLAIN_WRITE), "data-race"),
        (racing(AccessKind.PLAIN_WRITE, AccessKind.INTERLOCKED), "data-race"),
        (racing(AccessKind.VOLATILE_WRITE, AccessKind.PLAIN_WRITE), "data-race"),
        (
            racing(AccessKind.VOLATILE_WRITE, AccessKind.INTERLOCKED, UPDATE),
            "torn-read-modify-write",
        ),
    ],
)
def test_races(machine: Machine, property: str) -> None:
    trace = violation_of(machine)
    assert trace.violation.property == property
    assert trace.violation.contexts in (("a", "b"), ("b", "a"))
    assert len(trace.steps) == 2
    replay(machine, trace)
    with pytest.raises(ReplayError):
        replay(machine, shorter(trace))
    alone = replace(trace, violation=replace(trace.violation, contexts=("a", "a")))
    with pytest.raises(ReplayError):
        replay(machine, alone)


@pytest.mark.parametrize(
    ("kind", "other"),
    [
        (AccessKind.PLAIN_READ, AccessKind.PLAIN_READ),
        (AccessKind.PLAIN_READ, AccessKind.VOLATILE_READ),
        (AccessKind.VOLATILE_WRITE, AccessKind.VOLATILE_READ),
        (AccessKind.INTERLOCKED, AccessKind.INTERLOCKED),
    ],
)
def test_what_is_no_race(kind: AccessKind, other: AccessKind) -> None:
    assert not isinstance(ReferenceEngine().check(racing(kind, other)).verdict, Violated)


def test_different_elements_do_not_race() -> None:
    machine = racing(AccessKind.PLAIN_WRITE, AccessKind.PLAIN_WRITE)
    steps = [
        replace(step, accesses=(Access("x", AccessKind.PLAIN_WRITE, Constant(number)),))
        for number, step in enumerate(machine.transitions)
    ]
    apart = replace(machine, transitions=tuple(steps))
    assert not isinstance(ReferenceEngine().check(apart).verdict, Violated)


@given(machines(), st.data())
def test_a_trace_without_one_of_its_steps_is_refused(machine: Machine, data: st.DataObject) -> None:
    verdict = ReferenceEngine().check(machine).verdict
    if not isinstance(verdict, Violated) or not verdict.trace.steps:
        return
    steps = list(verdict.trace.steps)
    steps.pop(data.draw(st.integers(0, len(steps) - 1)))
    try:
        replay(machine, replace(verdict.trace, steps=tuple(steps)))
    except ReplayError:
        return
    pytest.fail("a trace shorter than the shortest was accepted")


def test_truth_is_not_one() -> None:
    machine = mutex()
    machine = replace(machine, invariants=(Invariant("never", FALSE),))
    trace = violation_of(machine)
    assert trace.steps == ()
    replay(machine, trace)
    names = [name for name, _ in trace.initial]
    number = tuple((name, 0 if name == "held" else value) for name, value in trace.initial)
    assert names[-1] == "held"
    with pytest.raises(ReplayError, match="'held' does not start with 0"):
        replay(machine, replace(trace, initial=number))
