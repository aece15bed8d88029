"""Constants are what Python makes of them, or are refused."""

import warnings
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dirql.model.language import PatternError
from dirql.model.language.plain import FUNCTIONS
from dirql.model.language.reading import read_module
from dirql.model.language.source import parse_source

LEAVES = ("0", "1", "-1", "7", "255", "2 ** 70", "True", "'ab'", "''", "None", "A", "B", "L", "T")
BEFORE = "A = 3\nB = A << 2\nL = [1, 2, A]\nT = (0, 'x')\nD = {'k': 1, 2: 'v'}\n"
OPERATORS = (
    "+",
    "-",
    "*",
    "//",
    "%",
    "**",
    "<<",
    ">>",
    "|",
    "&",
    "^",
    "==",
    "<",
    "in",
    "is",
    "and",
    "or",
)


def _wider(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    two = st.tuples(inner, inner)
    return st.one_of(
        st.tuples(inner, st.sampled_from(OPERATORS), inner).map(
            lambda x: f"({x[0]} {x[1]} {x[2]})"
        ),
        st.tuples(st.sampled_from(("-", "~", "not ", "+")), inner).map(lambda x: f"({x[0]}{x[1]})"),
        st.tuples(inner, inner, inner).map(lambda x: f"({x[0]} if {x[1]} else {x[2]})"),
        st.tuples(inner, inner, inner).map(lambda x: f"({x[0]} < {x[1]} != {x[2]})"),
        st.lists(inner, max_size=3).map(lambda x: f"[{', '.join(x)}]"),
        st.lists(inner, min_size=1, max_size=3).map(lambda x: f"({', '.join(x)},)"),
        st.lists(inner, min_size=1, max_size=3).map(lambda x: f"{{{', '.join(x)}}}"),
        two.map(lambda x: f"{{{x[0]}: {x[1]}, **D}}"),
        two.map(lambda x: f"[*{x[0]}, {x[1]}]"),
        two.map(lambda x: f"{x[0]}[{x[1]}]"),
        two.map(lambda x: f"[i for i in {x[0]} if {x[1]}]"),
        two.map(lambda x: f"{{i: {x[1]} for i in {x[0]}}}"),
        two.map(lambda x: f"[(i, j) for i in {x[0]} for j in {x[1]} if i != j]"),
        st.sampled_from(("A", "B", "T", "A + B")).map(lambda x: f"f'<{{{x}}}>'"),
        st.tuples(st.sampled_from(sorted(FUNCTIONS)), inner).map(lambda x: f"{x[0]}({x[1]})"),
        st.tuples(st.sampled_from(("min", "max", "range", "zip")), inner, inner).map(
            lambda x: f"{x[0]}({x[1]}, {x[2]})"
        ),
    )


EXPRESSIONS = st.recursive(st.sampled_from(LEAVES), _wider, max_leaves=8)
FUNCTIONS_OF_PYTHON = {name: FUNCTIONS[name] for name in ("reversed", "enumerate", "zip")}
"""Those whose results are lists here, so that they can be compared."""


def _read(text: str) -> "tuple[Any] | PatternError":
    source = parse_source("driver.py", f"{BEFORE}X = {text}\n")
    try:
        return (read_module(source, {"__name__": "m"})["X"],)
    except PatternError as problem:
        return problem


@settings(max_examples=1500, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(EXPRESSIONS)
def test_the_value_is_that_of_python(text: str) -> None:
    """Refused is what is huge, what fails in Python too, and what is no use for constants."""
    read = _read(text)
    if isinstance(read, PatternError):
        assert read.code in ("DQ103", "DQ109")
        assert read.hint
        assert str(read).startswith(f"driver.py:{read.line}:{read.column}: ")
        return
    names: dict[str, Any] = dict(FUNCTIONS_OF_PYTHON)
    exec(BEFORE, names)  # noqa: S102
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ran = eval(compile(text, "x", "eval"), names)  # noqa: S307
    assert (type(read[0]), read[0]) == (type(ran), ran)
