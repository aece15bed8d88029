"""What is violated whatever is drawn, against all ways of drawing one by one."""

from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from dirql.explorer.alternatives import Alternatives
from dirql.explorer.engine import Limits
from dirql.model.domain import Range
from dirql.model.expr import Compare, Constant, Not, Read
from dirql.model.machine import (
    Choice,
    Context,
    ContextKind,
    Invariant,
    Machine,
    Transition,
    Variable,
)

STATES = 5
BAD = STATES - 1

Draws = dict[tuple[int, int], tuple[int, int]]
"""For a state and a step out of it, where the step leads for each of two values."""


@st.composite
def draws(draw: st.DrawFn) -> Draws:
    """Steps out of each state, some of which draw a value."""
    found: Draws = {}
    for state in range(STATES - 1):
        for number in range(draw(st.integers(0, 2))):
            one = draw(st.integers(0, STATES - 1))
            found[state, number] = (one, draw(st.one_of(st.just(one), st.integers(0, STATES - 1))))
    return found


def machine_of(steps: Draws) -> Machine:
    """The machine in which the last state is a violation."""
    here = Read("n")
    transitions = tuple(
        Transition(
            f"step {state} {number} {value}",
            "t",
            (Compare("==", here, Constant(state)),),
            (("n", Constant(target)),),
            opaque="it",
            choices=(Choice(str(number)), Choice(str(value), "it")),
        )
        for (state, number), targets in steps.items()
        for value, target in enumerate(targets)
    )
    bad = Invariant("bad", Not(Compare("==", here, Constant(BAD))))
    context = Context("t", ContextKind.THREAD, "", Constant("none"), Constant(0))
    variables = (Variable("n", Range(0, BAD), (0,)),)
    return Machine("draws", variables, transitions, (context,), (bad,))


def always_bad(steps: Draws) -> bool:
    """Whether each way of drawing, one value for each step, lets the last state be reached."""
    for values in product((0, 1), repeat=len(steps)):
        leads = {
            (state, targets[value])
            for ((state, _), targets), value in zip(steps.items(), values, strict=True)
        }
        known, work = {0}, [0]
        while work:
            state = work.pop()
            more = {target for source, target in leads if source == state} - known
            known |= more
            work += more
        if BAD not in known:
            return False
    return True


@given(draws())
def test_a_violation_is_certain_if_every_way_of_drawing_has_one(steps: Draws) -> None:
    found = Alternatives(machine_of(steps), Limits(), races=True)
    assert bool(list(found.lost())) == always_bad(steps)
