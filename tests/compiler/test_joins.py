"""Where the branches of a routine come together."""

from dirql.model.compiler.flow import EXIT, joins
from dirql.model.expr import Constant, Read
from dirql.model.machine import Source
from dirql.model.routine import Assign, Branch, Instruction, Node, Return, Routine

GO = Read("go")
ONE = Assign("one", Constant(1))
TWO = Assign("two", Constant(2))


def routine(*nodes: tuple[Instruction, int]) -> Routine:
    made = tuple(Node(instruction, Source(), following) for instruction, following in nodes)
    return Routine("Routine", (), made, Source())


def test_two_ways_come_together() -> None:
    found = joins(routine((Branch(GO, 1, 2), -1), (ONE, 3), (TWO, 3), (Return(), -1)))
    assert found.ends == {0: 3}
    assert found.assigned == {3: {"one", "two"}}


def test_a_way_that_returns_never_comes_together_with_the_other() -> None:
    found = joins(routine((Branch(GO, 1, 2), -1), (Return(), -1), (ONE, 3), (Return(), -1)))
    assert found.ends == {0: EXIT}


def test_a_loop_comes_together_behind_it() -> None:
    found = joins(routine((Branch(GO, 1, 2), -1), (ONE, 0), (TWO, 3), (Return(), -1)))
    assert found.ends == {0: 2}
    assert found.assigned == {2: {"one"}}


def test_a_branch_in_a_loop_without_an_end_comes_together_in_its_round() -> None:
    found = joins(routine((ONE, 1), (Branch(GO, 2, 3), -1), (TWO, 3), (ONE, 0)))
    assert found.ends[1] == 3


def test_a_branch_within_a_branch() -> None:
    found = joins(
        routine((Branch(GO, 1, 4), -1), (Branch(GO, 2, 3), -1), (ONE, 3), (TWO, 4), (Return(), -1))
    )
    assert found.ends == {0: 4, 1: 3}
    assert found.assigned == {3: {"one"}, 4: {"one", "two"}}
