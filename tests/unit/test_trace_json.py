"""Traces survive JSON; nothing else passes for one."""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dirql.explorer.reference import ReferenceEngine
from dirql.explorer.trace import TRACE_VERSION, Step, Trace, Violation
from dirql.explorer.trace_json import TraceFormatError, decode, encode
from dirql.explorer.verdict import Violated
from dirql.model.machine import Source

from ..models import peterson

VALUES = st.one_of(st.booleans(), st.integers(-(2**40), 2**40), st.text(max_size=5))
WORDS = st.text(max_size=5)
STEPS = st.builds(
    Step,
    transition=st.integers(0, 99),
    name=WORDS,
    context=WORDS,
    processor=WORDS,
    irql=st.integers(0, 15),
    changes=st.lists(st.tuples(WORDS, VALUES, VALUES), max_size=3).map(tuple),
    source=st.builds(Source, WORDS, st.integers(0, 999), WORDS, WORDS, WORDS),
)
TRACES = st.builds(
    Trace,
    machine=WORDS,
    digest=WORDS,
    initial=st.lists(st.tuples(WORDS, VALUES), max_size=3).map(tuple),
    steps=st.lists(STEPS, max_size=3).map(tuple),
    violation=st.builds(
        Violation, WORDS, WORDS, WORDS, st.booleans(), st.lists(WORDS, max_size=2).map(tuple)
    ),
)


def example() -> dict[str, Any]:
    """A trace as JSON data, to be damaged."""
    verdict = ReferenceEngine().check(peterson(flags=False)).verdict
    assert isinstance(verdict, Violated)
    data: dict[str, Any] = json.loads(encode(verdict.trace))
    return data


@given(TRACES)
def test_there_and_back(trace: Trace) -> None:
    text = encode(trace)
    back = decode(text)
    assert repr(back) == repr(trace)  # which tells True from 1
    assert decode(text.encode()) == back
    assert encode(back) == text


def test_the_form() -> None:
    data = example()
    assert list(data) == ["format", "version", "trace"]
    assert (data["format"], data["version"]) == ("dirql-trace", TRACE_VERSION)
    assert data["trace"]["steps"][0]["changes"] == [["at a", "idle", "flag"]]


def change(path: str, value: object) -> str:
    """The example with the value at `path` replaced."""
    data = example()
    *parents, last = path.split(".")
    part: Any = data
    for name in parents:
        part = part[int(name) if name.isdigit() else name]
    part[last] = value
    return json.dumps(data)


def without(name: str) -> str:
    """The example without one field of its trace."""
    data = example()
    del data["trace"][name]
    return json.dumps(data)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "not JSON"),
        ("{", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        ("[]", "not a trace"),
        ("{}", "not a trace"),
        (change("format", "other"), "not a trace"),
        (change("version", 99), "version 99"),
        (change("version", None), "version None"),
        (without("steps"), "damaged"),
        (change("trace.steps", None), "damaged"),
        (change("trace.steps.0.irql", "2"), "damaged"),
        (change("trace.steps.0.irql", True), "damaged"),
        (change("trace.initial", [["x", 1.5]]), "damaged"),
        (change("trace.initial", [["x", None]]), "damaged"),
        (change("trace.extra", 1), "fields that this version does not write"),
        (change("trace.steps.0.source", {}), "lacks some"),
    ],
)
def test_damage_is_refused(text: str | bytes, words: str) -> None:
    with pytest.raises(TraceFormatError) as raised:
        decode(text)
    assert words in str(raised.value)


@given(st.integers(0, 10_000), st.characters(codec="ascii"))
def test_one_wrong_character_never_crashes(place: int, character: str) -> None:
    text = json.dumps(example())
    place %= len(text)
    with suppress(TraceFormatError):
        decode(text[:place] + character + text[place + 1 :])
