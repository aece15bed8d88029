"""Expressions as functions of a state agree with the oracle."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dirql.explorer.evaluate import Evaluator
from dirql.model.domain import Boolean, Domain, Range, Value, values
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
    Select,
)
from dirql.model.machine import Check, Machine, Variable

from ..machines import COLOUR, PLACES, Expressions
from ..oracle import value_of

DOMAINS: tuple[Domain, ...] = (Range(-3, 4), Range(0, 2), Boolean(), COLOUR, PLACES)
VARIABLES = tuple(
    Variable(f"v {number}", domain, (next(values(domain)),))
    for number, domain in enumerate(DOMAINS)
)
EVALUATOR = Evaluator(Machine("values", VARIABLES, ()))
EXPRESSIONS = Expressions(VARIABLES)
STATES = st.tuples(*(st.sampled_from(list(values(domain))) for domain in DOMAINS))
ANY = st.one_of(EXPRESSIONS.booleans(3), EXPRESSIONS.integers(3), EXPRESSIONS.labels(COLOUR, 3))


@given(ANY, STATES)
def test_values(expression: Expression, state: tuple[Value, ...]) -> None:
    named = dict(zip(EVALUATOR.slots, state, strict=True))
    found, expected = EVALUATOR.value(expression)(state), value_of(expression, named)
    assert (type(found), found) == (type(expected), expected)


@given(st.lists(EXPRESSIONS.booleans(2), max_size=3), STATES)
def test_all(conditions: list[Expression], state: tuple[Value, ...]) -> None:
    named = dict(zip(EVALUATOR.slots, state, strict=True))
    expected = all(value_of(condition, named) for condition in conditions)
    assert EVALUATOR.all(conditions)(state) is expected


@given(st.lists(EXPRESSIONS.booleans(1), max_size=4), STATES)
def test_broken_is_the_first_false_check(
    conditions: list[Expression], state: tuple[Value, ...]
) -> None:
    named = dict(zip(EVALUATOR.slots, state, strict=True))
    checks = list(enumerate(Check("rule", condition) for condition in conditions))
    false = [number for number, check in checks if not value_of(check.condition, named)]
    assert EVALUATOR.broken(checks)(state) == (false[0] if false else -1)
    assert EVALUATOR.broken(checks[::-1])(state) == (false[-1] if false else -1)


def test_empty_connectives() -> None:
    state = tuple(variable.initial[0] for variable in VARIABLES)
    assert EVALUATOR.value(And(()))(state) is True
    assert EVALUATOR.value(Or(()))(state) is False


@pytest.mark.parametrize("index", range(-2, 4))
def test_nested_selections(index: int) -> None:
    """The inner index is computed while the outer one is."""
    inner = Select(Constant(index), (Constant(2), Constant(0)))
    outer = Select(inner, (Constant(10), Constant(11), Select(Constant(index), (inner, TRUE))))
    state = tuple(variable.initial[0] for variable in VARIABLES)
    assert EVALUATOR.value(outer)(state) == value_of(outer, {})


def test_a_long_chain_of_choices() -> None:
    """As a table lookup becomes it: Python allows no 300 nested brackets."""
    number = Read("v 0")
    expression: Expression = Constant(-1)
    for key in range(300):
        expression = IfThenElse(Compare("==", number, Constant(key)), Constant(key + 1), expression)
    state = (4, 0, False, "red", "none")
    assert EVALUATOR.value(expression)(state) == 5
    assert EVALUATOR.value(Arithmetic("*", expression, Constant(2)))(state) == 10
    assert EVALUATOR.value(IfThenElse(FALSE, TRUE, FALSE))(state) is False
