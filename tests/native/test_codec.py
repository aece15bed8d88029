"""Packing states into words and back."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dirql.explorer.native.codec import WORD, Layout, NotCompilableError
from dirql.model.domain import Boolean, Domain, Enumeration, Range, Value
from dirql.model.machine import Machine, Variable

from ..machines import machines

DOMAINS = st.one_of(
    st.just(Boolean()),
    st.integers(1, 70).map(lambda n: Enumeration(f"e{n}", tuple(f"l{i}" for i in range(n)))),
    st.tuples(
        st.integers(-(2**65), 2**65),
        st.one_of(st.integers(0, 3), st.integers(0, 2**WORD - 1), st.just(2**WORD - 1)),
    ).map(lambda ends: Range(ends[0], ends[0] + ends[1])),
)


def some_value(domain: Domain) -> st.SearchStrategy[Value]:
    match domain:
        case Boolean():
            return st.booleans()
        case Range(low, high):
            return st.one_of(st.just(low), st.just(high), st.integers(low, high))
        case Enumeration(_, labels):
            return st.sampled_from(labels)


@st.composite
def variables(draw: st.DrawFn) -> tuple[Variable, ...]:
    domains = draw(st.lists(DOMAINS, max_size=20))
    return tuple(
        Variable(f"v{number}", domain, (draw(some_value(domain)),))
        for number, domain in enumerate(domains)
    )


@given(variables(), st.data())
def test_round_trip(chosen: tuple[Variable, ...], data: st.DataObject) -> None:
    layout = Layout(Machine("wide", chosen, ()))
    state = tuple(data.draw(some_value(variable.domain)) for variable in chosen)
    words = layout.pack(state)
    assert len(words) == layout.words
    assert all(0 <= word < 2**WORD for word in words)
    assert layout.unpack(words) == state
    assert [type(value) for value in layout.unpack(words)] == [type(value) for value in state]


@given(variables())
def test_fields_do_not_overlap_or_straddle_words(chosen: tuple[Variable, ...]) -> None:
    layout = Layout(Machine("wide", chosen, ()))
    used = [0] * layout.words
    for field in layout.fields:
        bits = field.mask << field.offset
        assert field.offset + field.bits <= WORD
        assert not used[field.word] & bits
        used[field.word] |= bits


@given(machines(findings=False))
def test_initial_states_come_in_the_order_of_the_reference(machine: Machine) -> None:
    layout = Layout(machine)
    states = [layout.unpack(words) for words in layout.initial()]
    assert states == list(product(*(variable.initial for variable in machine.variables)))


def test_a_single_value_takes_no_bits() -> None:
    one = Variable("one", Range(7, 7), (7,))
    layout = Layout(Machine("single", (one,), ()))
    assert layout.fields[0].bits == 0
    assert layout.unpack(layout.pack((7,))) == (7,)


def test_too_many_values() -> None:
    huge = Variable("huge", Range(0, 2**WORD), (0,))
    with pytest.raises(NotCompilableError, match="'huge' has more than"):
        Layout(Machine("huge", (huge,), ()))
