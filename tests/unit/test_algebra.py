"""Smart constructors never change a value; bounds hold every value."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dirql.model.algebra import (
    arithmetic,
    atoms,
    compare,
    conjunction,
    disjunction,
    equal,
    if_then_else,
    interval,
    less,
    less_equal,
    member,
    negation,
    not_equal,
    select,
    simplify,
    substitute,
    variables_of,
)
from dirql.model.domain import Boolean, Domain, Range, Value, contains, values
from dirql.model.expr import (
    FALSE,
    TRUE,
    And,
    Arithmetic,
    Compare,
    Constant,
    Expression,
    IfThenElse,
    Member,
    Not,
    Or,
    Read,
    Select,
)
from dirql.model.machine import Variable

from ..machines import COLOUR, Expressions
from ..oracle import value_of

X, Y, FLAG, PLACE = Read("x"), Read("y"), Read("flag"), Read("place")
DOMAINS: dict[str, Domain] = {
    "x": Range(-3, 4),
    "y": Range(0, 2),
    "flag": Boolean(),
    "place": COLOUR,
}
EXPRESSIONS = Expressions(
    [Variable(name, domain, (next(values(domain)),)) for name, domain in DOMAINS.items()]
)
ANY = st.one_of(EXPRESSIONS.booleans(3), EXPRESSIONS.integers(3), EXPRESSIONS.labels(COLOUR, 3))
STATES = st.fixed_dictionaries(
    {name: st.sampled_from(list(values(domain))) for name, domain in DOMAINS.items()}
)
ONE, TWO, RED, BLUE = Constant(1), Constant(2), Constant("red"), Constant("blue")


def kind_and_value(value: Value) -> tuple[type, Value]:
    """For Python `True == 1`; here they differ."""
    return type(value), value


@given(ANY, STATES)
def test_simplify_keeps_the_value(expression: Expression, state: dict[str, Value]) -> None:
    expected = kind_and_value(value_of(expression, state))
    assert kind_and_value(value_of(simplify(expression), state)) == expected


@given(ANY)
def test_simplify_has_nothing_left_to_do_to_a_constant(expression: Expression) -> None:
    constants: dict[str, Expression] = {
        name: Constant(next(values(domain))) for name, domain in DOMAINS.items()
    }
    assert isinstance(substitute(expression, constants), Constant)


@given(ANY, EXPRESSIONS.integers(2), EXPRESSIONS.booleans(2), STATES)
def test_substitute_is_evaluation_in_another_state(
    expression: Expression, number: Expression, truth: Expression, state: dict[str, Value]
) -> None:
    changed = state | {"x": value_of(number, state), "flag": value_of(truth, state)}
    built = substitute(expression, {"x": number, "flag": truth})
    assert kind_and_value(value_of(built, state)) == kind_and_value(value_of(expression, changed))


@given(EXPRESSIONS.booleans(3), STATES)
def test_negation_is_the_opposite(condition: Expression, state: dict[str, Value]) -> None:
    assert value_of(negation(condition), state) is not value_of(condition, state)


@given(st.lists(EXPRESSIONS.booleans(2), max_size=4), STATES)
def test_conjunction_and_disjunction(conditions: list[Expression], state: dict[str, Value]) -> None:
    truths = [value_of(condition, state) for condition in conditions]
    assert value_of(conjunction(*conditions), state) is all(truths)
    assert value_of(disjunction(*conditions), state) is any(truths)


@given(EXPRESSIONS.integers(3), STATES)
def test_interval_holds_every_value(number: Expression, state: dict[str, Value]) -> None:
    assert contains(interval(number, DOMAINS), value_of(number, state))


@given(ANY)
def test_variables_are_all_that_matters(expression: Expression) -> None:
    kept = variables_of(expression)
    assert kept <= DOMAINS.keys()
    state = {name: next(values(DOMAINS[name])) for name in kept}
    value_of(expression, state)  # a variable left out would be a KeyError


@pytest.mark.parametrize(
    ("built", "expected"),
    [
        (conjunction(), TRUE),
        (disjunction(), FALSE),
        (conjunction(FLAG, TRUE, And((FLAG,))), FLAG),
        (conjunction(FLAG, negation(FLAG)), FALSE),
        (disjunction(FLAG, negation(FLAG)), TRUE),
        (conjunction(less(X, Y), less_equal(Y, X)), FALSE),
        (conjunction(equal(PLACE, RED), equal(PLACE, BLUE)), FALSE),
        (disjunction(equal(PLACE, RED), equal(PLACE, BLUE)), Member(PLACE, ("blue", "red"))),
        (conjunction(member(PLACE, ["red", "blue"]), equal(PLACE, RED)), equal(PLACE, RED)),
        (negation(Or((FLAG, equal(X, ONE)))), And((Not(FLAG), Compare("!=", X, ONE)))),
        (negation(less(X, Y)), Compare("<=", Y, X)),
        (equal(RED, PLACE), Compare("==", PLACE, RED)),
        (equal(RED, BLUE), FALSE),
        (equal(FLAG, FALSE), Not(FLAG)),
        (equal(if_then_else(FLAG, ONE, TWO), TWO), Not(FLAG)),
        (not_equal(if_then_else(FLAG, ONE, Constant(0)), Constant(0)), FLAG),
        (less(if_then_else(FLAG, ONE, TWO), TWO), FLAG),
        (less(ONE, if_then_else(FLAG, ONE, TWO)), Not(FLAG)),
        (member(if_then_else(FLAG, ONE, TWO), [2, 5]), Not(FLAG)),
        (member(X, []), FALSE),
        (member(X, [2, 1, 2]), Member(X, (1, 2))),
        (member(RED, ["red", "blue"]), TRUE),
        (member(FLAG, [True, False]), TRUE),
        (compare("<=", X, X), TRUE),
        (compare("<", X, X), FALSE),
        (if_then_else(FLAG, TRUE, FALSE), FLAG),
        (if_then_else(FLAG, X, X), X),
        (arithmetic("+", ONE, TWO), Constant(3)),
        (arithmetic("+", Constant(0), X), X),
        (arithmetic("*", X, Constant(0)), Constant(0)),
        (arithmetic("%", X, ONE), Constant(0)),
        (arithmetic("//", ONE, Constant(0)), Arithmetic("//", ONE, Constant(0))),
        (arithmetic("+", TRUE, ONE), Arithmetic("+", TRUE, ONE)),
        (select(ONE, (X, Y)), Y),
        (select(Constant(-1), (X, Y)), Y),
        (select(X, (Y, Y)), Y),
        (select(X, (ONE, Y)), Select(X, (ONE, Y))),
        (equal(ONE, TRUE), Compare("==", ONE, TRUE)),
    ],
)
def test_built_form(built: Expression, expected: Expression) -> None:
    assert built == expected


def test_atoms_are_what_a_guard_lists() -> None:
    assert atoms(TRUE) == ()
    assert atoms(FLAG) == (FLAG,)
    assert atoms(conjunction(FLAG, equal(X, ONE))) == (FLAG, equal(X, ONE))


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (arithmetic("+", X, Y), Range(-3, 6)),
        (arithmetic("-", X, Y), Range(-5, 4)),
        (arithmetic("*", X, Y), Range(-6, 8)),
        (arithmetic("//", X, TWO), Range(-2, 2)),
        (arithmetic("%", X, Constant(8)), Range(0, 7)),
        (arithmetic("%", Y, Constant(8)), Range(0, 2)),
        (arithmetic("<<", Y, TWO), Range(0, 8)),
        (arithmetic(">>", X, ONE), Range(-2, 2)),
        (arithmetic("&", X, Y), Range(0, 2)),
        (arithmetic("|", Y, TWO), Range(2, 3)),
        (arithmetic("^", X, Y), Range(-8, 7)),
        (IfThenElse(FLAG, X, Y), Range(-3, 4)),
        (Select(Y, (ONE, TWO, Constant(9), Constant(50))), Range(1, 9)),
        (Select(X, (ONE, TWO)), Range(1, 2)),
    ],
)
def test_interval_of(number: Expression, expected: Range) -> None:
    assert interval(number, DOMAINS) == expected


@pytest.mark.parametrize(
    "expression",
    [FLAG, PLACE, RED, TRUE, Not(FLAG), Arithmetic("%", X, Y), Arithmetic("<<", X, Constant(32))],
)
def test_interval_refuses_what_has_no_bounds(expression: Expression) -> None:
    with pytest.raises(ValueError, match=r"integer|positive|within"):
        interval(expression, DOMAINS)


def test_shared_parts_are_built_once() -> None:
    """A hundred doublings: without sharing, 2**100 parts."""
    expression: Any = X
    for _ in range(100):
        expression = Arithmetic("+", expression, expression)
    assert variables_of(expression) == {"x"}
