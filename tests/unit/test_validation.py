"""Every way a machine can be wrong, by its stable code and the words that say where."""

import sys
from collections.abc import Callable
from dataclasses import replace

import pytest

from dirql.model.domain import Boolean, Domain, Enumeration, Range, Value
from dirql.model.expr import (
    TRUE,
    And,
    Arithmetic,
    Compare,
    Constant,
    Expression,
    IfThenElse,
    Member,
    Not,
    Read,
    Select,
)
from dirql.model.machine import (
    Access,
    AccessKind,
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

from ..changing import changed
from ..models import mutex

N, FLAG, PLACE = Read("n"), Read("flag"), Read("place")
VARIABLES = (
    Variable("n", Range(0, 3), (0, 1)),
    Variable("flag", Boolean(), (False,)),
    Variable("place", Enumeration("place", ("here", "there")), ("here",)),
)
CONTEXT = Context("t", ContextKind.THREAD, "place", Constant("none"), Constant(0))


def machine(**parts: object) -> Machine:
    """A valid machine but for `parts`."""
    return changed(Machine("m", VARIABLES, (), (CONTEXT,)), **parts)


def with_variable(domain: Domain, *initial: Value, name: str = "new") -> Machine:
    """One more variable."""
    return machine(variables=(*VARIABLES, Variable(name, domain, initial)))


def with_guard(*guard: Expression) -> Machine:
    """One transition with this guard."""
    return machine(transitions=(Transition("go", "t", guard, ()),))


def with_update(*updates: tuple[str, Expression]) -> Machine:
    """One transition with these updates."""
    return machine(transitions=(Transition("go", "t", (), updates),))


def with_transition(**parts: object) -> Machine:
    """One transition with these parts."""
    return machine(transitions=(changed(Transition("go", "t", (), ()), **parts),))


ONE = Constant(1)
WRONG: list[tuple[Callable[[], Machine], str, str]] = [
    (lambda: with_variable(Range(0, 1), 0, name="n"), "DQ201", "two variables are called 'n'"),
    (lambda: machine(contexts=(CONTEXT, CONTEXT)), "DQ201", "two contexts are called 't'"),
    (lambda: with_variable(Boolean(), True, name=""), "DQ201", "has no name"),
    (lambda: with_update(("n", ONE), ("n", ONE)), "DQ201", "updated twice"),
    (lambda: with_guard(Read("flga")), "DQ202", "no variable 'flga'; did you mean 'flag'?"),
    (lambda: with_update(("plce", ONE)), "DQ202", "did you mean 'place'?"),
    (lambda: with_transition(context="s"), "DQ203", "no such context"),
    (lambda: machine(progress=(Progress("p", "s", TRUE, TRUE),)), "DQ203", "no context 's'"),
    (lambda: with_variable(Range(2, 1), 2), "DQ204", "2..1 is empty"),
    (lambda: with_variable(Enumeration("e", ()), "a"), "DQ204", "no labels"),
    (lambda: with_variable(Enumeration("e", ("a", "a")), "a"), "DQ204", "repeats a label"),
    (lambda: with_variable(Enumeration("place", ("x",)), "x"), "DQ204", "of one name"),
    (lambda: with_variable(Range(0, 1)), "DQ205", "no initial value"),
    (lambda: with_variable(Range(0, 1), 2), "DQ205", "initial value 2 is outside 0..1"),
    (lambda: with_variable(Range(0, 1), True), "DQ205", "initial value True is outside"),
    (lambda: with_variable(Boolean(), 0), "DQ205", "initial value 0 is outside bool"),
    (lambda: with_variable(Range(0, 1), 0, 0), "DQ205", "repeated"),
    (lambda: with_guard(N), "DQ206", "guard is an integer, must be a boolean"),
    (lambda: with_guard(Not(N)), "DQ206", "the operand of not is an integer"),
    (lambda: with_guard(And((FLAG, PLACE))), "DQ206", "of enumeration 'place'"),
    (lambda: with_guard(Compare("==", N, FLAG)), "DQ206", "left side of =="),
    (lambda: with_guard(Compare("==", N, TRUE)), "DQ206", "left side of =="),
    (lambda: with_guard(Compare("<", PLACE, PLACE)), "DQ206", "left side of <"),
    (lambda: with_guard(Compare("==", N, Constant("here"))), "DQ206", "a label (here)"),
    (lambda: with_guard(Member(N, (True,))), "DQ206", "member True"),
    (lambda: with_guard(IfThenElse(N, TRUE, TRUE)), "DQ206", "a condition is an integer"),
    (lambda: with_guard(Compare("==", IfThenElse(FLAG, N, FLAG), N)), "DQ206", "way of a choice"),
    (lambda: with_guard(Select(FLAG, (TRUE,))), "DQ206", "an index is a boolean"),
    (lambda: with_guard(Select(N, (TRUE, N))), "DQ206", "an item is an integer"),
    (lambda: with_update(("n", FLAG)), "DQ206", "update of 'n': the value is a boolean"),
    (lambda: with_update(("flag", ONE)), "DQ206", "update of 'flag'"),
    (lambda: with_transition(checks=(Check("p", N),)), "DQ206", "condition of check 'p'"),
    (lambda: with_transition(scheduling=(N,)), "DQ206", "guard"),
    (lambda: machine(invariants=(Invariant("i", N),)), "DQ206", "invariant 0 'i'"),
    (lambda: machine(progress=(Progress("p", "t", N, TRUE),)), "DQ206", "live is an integer"),
    (lambda: machine(contexts=(replace(CONTEXT, irql=FLAG),)), "DQ206", "irql is a boolean"),
    (lambda: machine(contexts=(replace(CONTEXT, processor=N),)), "DQ206", "processor is"),
    (lambda: with_update(("n", Constant(4))), "DQ207", "the value 4 is outside 0..3"),
    (lambda: with_update(("n", Arithmetic("//", N, Constant(0)))), "DQ208", "positive constant"),
    (lambda: with_update(("n", Arithmetic("%", N, N))), "DQ208", "right side of %"),
    (lambda: with_update(("n", Arithmetic("<<", N, Constant(32)))), "DQ208", "0 to 31"),
    (lambda: with_guard(Compare("==", PLACE, Constant("hree"))), "DQ209", "did you mean 'here'?"),
    (lambda: with_guard(Member(PLACE, ("nowhere",))), "DQ209", "'nowhere' is no label of 'place'"),
    (lambda: with_update(("place", IfThenElse(FLAG, Constant("x"), PLACE))), "DQ209", "'x'"),
    (lambda: machine(contexts=(replace(CONTEXT, counter="n"),)), "DQ210", "0..3, no enumeration"),
    (lambda: machine(contexts=(replace(CONTEXT, counter="pc"),)), "DQ210", "not a variable"),
    (lambda: with_guard(Member(N, (2, 1))), "DQ211", "sorted"),
    (lambda: with_guard(Member(N, (1, 1))), "DQ211", "repetition"),
    (
        lambda: with_transition(
            accesses=(Access("x", AccessKind.PLAIN_READ), Access("y", AccessKind.PLAIN_READ))
        ),
        "DQ212",
        "at most one plain location",
    ),
    (lambda: machine(races=("races",)), "DQ213", "'races' is not one of data-race"),
    (lambda: with_guard(Select(N, ())), "DQ215", "at least one item"),
]  # fmt: skip


@pytest.mark.parametrize(("build", "code", "words"), WRONG)
def test_wrong_machine(build: Callable[[], Machine], code: str, words: str) -> None:
    with pytest.raises(MachineError) as raised:
        build()
    assert raised.value.code == code
    assert words in str(raised.value)
    assert str(raised.value).startswith(f"{code}: machine 'm': ")


def test_what_is_allowed() -> None:
    """An empty membership is false; a label in a choice takes its sort from where it is stored."""
    with_guard(Member(N, ()), Compare("==", Constant("a"), Constant("b")))
    with_update(("place", IfThenElse(FLAG, Constant("here"), PLACE)))
    with_transition(accesses=(Access("x", AccessKind.PLAIN_READ, N),) * 2)
    registers = (Access("x", AccessKind.VOLATILE_READ), Access("y", AccessKind.VOLATILE_WRITE))
    with_transition(accesses=registers)


def test_ten_problems_are_listed_and_the_rest_counted() -> None:
    guard = tuple(Read(f"unknown{number}") for number in range(14))
    with pytest.raises(
        MachineError, match=r"(?s)unknown0'.*unknown9'.*\.\.\. and 4 more$"
    ) as raised:
        with_guard(*guard)
    assert "unknown10" not in str(raised.value)


def test_five_thousand_transitions_share_what_they_are_made_of() -> None:
    """Counted, not timed: each part is looked at once, however many transitions have it."""
    small = mutex()

    def looks(times: int) -> int:
        found: list[str] = []

        def note(frame: object, event: str, argument: object) -> None:
            found.append(event)

        profile = sys.getprofile()
        sys.setprofile(note)
        try:
            Machine(
                "m", small.variables, small.transitions * times, small.contexts, small.invariants
            )
        finally:
            sys.setprofile(profile)
        return len(found)

    assert looks(1250) < 1250 * looks(1) / 2
