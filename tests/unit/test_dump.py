"""The readable text of machines and expressions."""

from dataclasses import replace

import pytest
from hypothesis import given

from dirql.model.dump import dump, expression_text
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
    Or,
    Read,
    Select,
)
from dirql.model.machine import Access, AccessKind, Check, Machine, Progress

from ..machines import machines
from ..models import at, mutex

A, B, C = Read("a"), Read("b"), Read("c")
ONE = Constant(1)


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        (And((Or((A, B)), C)), "(a or b) and c"),
        (Or((And((A, B)), C)), "a and b or c"),
        (And(()), "True"),
        (Or(()), "False"),
        (And((A,)), "a"),
        (Not(And((A, B))), "not (a and b)"),
        (Not(Compare("==", A, ONE)), "not a == 1"),
        (And((Not(A), B)), "not a and b"),
        (Compare("==", Compare("<", A, B), C), "(a < b) == c"),
        (Compare("<=", Arithmetic("+", A, B), ONE), "a + b <= 1"),
        (Arithmetic("-", A, Arithmetic("-", B, C)), "a - (b - c)"),
        (Arithmetic("-", Arithmetic("-", A, B), C), "a - b - c"),
        (Arithmetic("*", Arithmetic("+", A, B), C), "(a + b) * c"),
        (Arithmetic("&", Arithmetic("|", A, B), C), "(a | b) & c"),
        (Arithmetic("|", Arithmetic("&", A, B), C), "a & b | c"),
        (Arithmetic("<<", A, Arithmetic("+", B, C)), "a << b + c"),
        (IfThenElse(A, B, IfThenElse(C, A, B)), "b if a else a if c else b"),
        (IfThenElse(A, IfThenElse(C, A, B), B), "(a if c else b) if a else b"),
        (Compare("==", IfThenElse(A, B, C), ONE), "(b if a else c) == 1"),
        (Member(A, ("here", "there")), "a in {here, there}"),
        (Not(Member(A, (1, 2))), "not a in {1, 2}"),
        (Select(Arithmetic("+", A, ONE), (B, C)), "[b, c][a + 1]"),
    ],
)
def test_expressions_have_the_brackets_they_need(expression: Expression, text: str) -> None:
    assert expression_text(expression) == text


def test_a_machine_in_full() -> None:
    machine = mutex()
    take, *others = machine.transitions
    take = replace(
        take,
        scheduling=(Compare("==", ONE, ONE),),
        rule="6.1.1",
        opaque="a status",
        spontaneous=True,
        lucky=True,
        checks=(Check("irql-too-high", TRUE, "it is too high", "0x0A"),),
        accesses=(Access("x", AccessKind.PLAIN_WRITE, ONE, Read("held")),),
    )
    machine = replace(
        machine,
        transitions=(take, *others),
        progress=(Progress("stuck-context", "a", TRUE, at("a", "in")),),
        races=("data-race",),
    )
    heading, digest, *lines = dump(machine).splitlines()
    assert heading == "machine mutex"
    assert digest.startswith("digest ")
    assert lines == [
        "",
        "variables (3)",
        "  at a: points of a {out, in}, at first out, of a",
        "  at b: points of b {out, in}, at first out, of b",
        "  held: bool, at first False",
        "",
        "transitions (4)",
        "",
        "  a (thread, counter at a)",
        "    processor none",
        "    irql 0",
        "    [0] acquire, rule 6.1.1, spontaneous, lucky, depends on a status",
        "        source model.py:1 a: acquire",
        "        when at a == out and not held",
        "        scheduled 1 == 1",
        "        set at a := in",
        "        set held := True",
        "        check irql-too-high: True; else it is too high (0x0A)",
        "        touches x[1]: plain write, changes it if held",
        "    [1] release",
        "        source model.py:1 a: release",
        "        when at a == in",
        "        set at a := out",
        "        set held := False",
        "",
        "  b (thread, counter at b)",
        "    processor none",
        "    irql 0",
        "    [2] acquire",
        "        source model.py:1 b: acquire",
        "        when at b == out and not held",
        "        set at b := in",
        "        set held := True",
        "    [3] release",
        "        source model.py:1 b: release",
        "        when at b == in",
        "        set at b := out",
        "        set held := False",
        "",
        "invariants",
        "  both-inside: at a != in or at b != in",
        "",
        "progress",
        "  stuck-context of a: from True, possible: at a == in",
        "",
        "races: data-race",
    ]


@given(machines())
def test_every_machine_prints(machine: Machine) -> None:
    text = dump(machine)
    assert all(f"[{index}] " in text for index in range(len(machine.transitions)))
