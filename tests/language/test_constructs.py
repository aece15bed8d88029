"""Every statement and every value of the driver language gives the graph it should."""

import pytest

from dirql.model.domain import Range
from dirql.model.expr import (
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
from dirql.model.routine import (
    Assert,
    Assign,
    Branch,
    Call,
    Choose,
    Load,
    Place,
    Return,
    Store,
)

from .loading import instructions, load_text, routine_of, with_body

DRIVER = Constant("driver")
NULL = Constant("NULL")
PENDING = Place(DRIVER, "pending")
FLAGS = Place(DRIVER, "flags")
END = Return()


def nonzero(name: str) -> Expression:
    return Compare("!=", Read(name), Constant(0))


def test_empty_routine_returns() -> None:
    assert instructions("pass") == [END]


def test_docstring_is_no_statement() -> None:
    assert instructions('"""What it does."""') == [END]


def test_store_and_load() -> None:
    assert instructions("self.pending = 1") == [Store(PENDING, Constant(1)), END]
    assert instructions("x = self.pending\nreturn x") == [Load("x", PENDING), Return(Read("x"))]
    assert instructions("return self.pending") == [Load("%1", PENDING), Return(Read("%1"))]


def test_a_field_may_be_looked_at_for_its_own_sake() -> None:
    """Only a value that was meant for the field makes a forgotten `self.`."""
    assert instructions("pending = self.pending") == [Load("pending", PENDING), END]


def test_each_shared_read_is_a_load_of_its_own() -> None:
    assert instructions("self.flags = self.pending + self.pending") == [
        Load("%1", PENDING),
        Load("%2", PENDING),
        Store(FLAGS, Arithmetic("+", Read("%1"), Read("%2"))),
        END,
    ]


@pytest.mark.parametrize(
    "body",
    ["self.pending += 1", "self.pending = self.pending + 1"],
)
def test_update_is_marked(body: str) -> None:
    assert instructions(body) == [
        Load("%1", PENDING, starts_update=True),
        Store(PENDING, Arithmetic("+", Read("%1"), Constant(1)), completes_update=True),
        END,
    ]


def test_update_through_a_routine_is_marked() -> None:
    assert instructions("self.pending = self.Complete(self.pending)") == [
        Load("%1", PENDING, starts_update=True),
        Call("%2", Constant("Complete"), (Read("%1"),)),
        Store(PENDING, Read("%2"), completes_update=True),
        END,
    ]


def test_copy_of_another_field_is_no_update() -> None:
    assert instructions("self.pending = self.flags") == [
        Load("%1", FLAGS),
        Store(PENDING, Read("%1")),
        END,
    ]


def test_update_of_an_element() -> None:
    place = Place(DRIVER, "ring", Read("%1"))
    assert instructions("self.ring[self.pending] |= 2") == [
        Load("%1", PENDING),
        Load("%2", place, starts_update=True),
        Store(place, Arithmetic("|", Read("%2"), Constant(2)), completes_update=True),
        END,
    ]


def test_constants_are_folded() -> None:
    assert instructions("return (1 << 4 | 3) & ~1") == [Return(Constant(18))]
    assert instructions("return self.MAX - 5") == [Return(Constant(-2))]
    assert instructions("return self.nic.Irql") == [Return(Constant(7))]
    assert instructions("return STATUS_UNSUCCESSFUL") == [Return(Constant(0xC0000001 - (1 << 32)))]


def test_members_of_enumerations_are_numbers() -> None:
    text = with_body("self.state = Power.D0\nreturn Power.D3", "state = Enum(Power.D3)")
    text = text.replace(
        "class E100", "class Power(IntEnum):\n    D0 = 1\n    D3 = 4\n\n\nclass E100"
    )
    pattern = load_text(text)
    nodes = routine_of(pattern).nodes
    assert nodes[0].instruction == Store(Place(DRIVER, "state"), Constant(1))
    assert nodes[1].instruction == Return(Constant(4))
    field = pattern.program.objects[0].fields[-1]
    assert (field.domain, field.initial) == (Range(1, 4), (4,))
    assert field.labels == ("D0", "2", "3", "D3")


def test_shift_by_data_is_a_selection() -> None:
    claim, found = instructions("x = self.pending\nreturn 1 << x")[1:]
    assert isinstance(claim, Assert)
    assert claim.detail == "a shift count is 0 to 31"
    assert isinstance(found, Return)
    assert isinstance(found.value, Select)
    assert found.value.items[3] == Constant(8)


def test_rounding_of_negative_numbers_is_not_relied_on() -> None:
    claim = instructions("x = self.pending\nreturn (x - 1) % 4")[1]
    assert isinstance(claim, Assert)
    assert claim.condition == Compare("<=", Constant(0), Arithmetic("-", Read("x"), Constant(1)))


def test_short_circuit_guards_what_is_asked_of_operands() -> None:
    found = instructions("x = self.pending\nif x > 1 and (x - 1) % 2:\n    self.flags = 1")
    assert [type(item) for item in found] == [Load, Branch, Assert, Branch, Store, Return]


def test_several_targets_get_one_value() -> None:
    assert instructions("n = 1\nn = self.pending = n + 1")[1:4] == [
        Assign("%1", Arithmetic("+", Read("n"), Constant(1))),
        Assign("n", Read("%1")),
        Store(PENDING, Read("%1")),
    ]


def test_a_loop_that_is_left_keeps_its_variable() -> None:
    body = "for i in range(3):\n    if self.ring[i]:\n        return i\ni = 3\nreturn i"
    assert instructions(body)[-1] == Return(Read("i"))


def test_conditions_as_numbers() -> None:
    condition = Compare("<", Constant(1), Read("x"))
    assert instructions("x = 2\nreturn x > 1")[1] == Return(
        IfThenElse(condition, Constant(1), Constant(0))
    )
    assert instructions("x = 2\ny = (x > 1) + 1\nreturn y")[1] == Assign(
        "y", Arithmetic("+", IfThenElse(condition, Constant(1), Constant(0)), Constant(1))
    )


def test_truth_depends_on_kind() -> None:
    assert instructions("if self.current:\n    self.pending = 1")[1] == Branch(
        Compare("!=", Read("%1"), NULL), 2, 3
    )
    assert instructions("if self.pending:\n    self.pending = 1")[1] == Branch(nonzero("%1"), 2, 3)


def test_truth_of_a_value_of_unknown_kind() -> None:
    text = with_body(
        "pass", "def Callback(self, Context):\n    if Context:\n        return 1\n    return 0"
    )
    found = routine_of(load_text(text), "Callback").nodes[0].instruction
    assert found == Branch(Not(Member(Read("Context"), (0, "NULL"))), 1, 2)


def test_if_else() -> None:
    assert instructions("if self.pending:\n    self.flags = 1\nelse:\n    self.flags = 2") == [
        Load("%1", PENDING),
        Branch(nonzero("%1"), 2, 3),
        Store(FLAGS, Constant(1)),
        Store(FLAGS, Constant(2)),
        END,
    ]


def test_and_reads_no_further_than_needed() -> None:
    assert instructions("if self.pending and not self.flags:\n    return 1\nreturn 2") == [
        Load("%1", PENDING),
        Branch(nonzero("%1"), 2, 5),
        Load("%2", FLAGS),
        Branch(nonzero("%2"), 5, 4),
        Return(Constant(1)),
        Return(Constant(2)),
    ]


def test_or_of_locals_is_one_branch() -> None:
    found = instructions("x = 1\ny = 2\nif x or y:\n    return 1\nreturn 0")
    assert [type(item) for item in found] == [Assign, Assign, Branch, Return, Return]


def test_chained_comparison_reads_no_further_than_needed() -> None:
    found = instructions("if 0 < self.pending < self.flags:\n    return 1\nreturn 0")
    assert [type(item) for item in found] == [Load, Branch, Load, Branch, Return, Return]


def test_membership() -> None:
    assert instructions("if self.pending in (3, 1):\n    return 1\nreturn 0")[1] == Branch(
        Member(Read("%1"), (1, 3)), 2, 3
    )


def test_conditional_expression() -> None:
    assert instructions("x = 1\nreturn 2 if x else 3")[1] == Return(
        IfThenElse(nonzero("x"), Constant(2), Constant(3))
    )
    found = instructions("return self.pending if self.flags else 3")
    assert [type(item) for item in found] == [Load, Branch, Load, Assign, Return]


def test_while() -> None:
    assert instructions("while self.pending:\n    pass") == [
        Load("%1", PENDING),
        Branch(nonzero("%1"), 0, 2),
        END,
    ]
    found = instructions("while TRUE:\n    if self.pending:\n        break")
    assert [type(item) for item in found] == [Branch, Load, Branch, Return]
    assert isinstance(found[2], Branch)
    assert (found[2].then, found[2].otherwise) == (3, 0)


def test_for_counts_as_in_c() -> None:
    going = Compare("<", Read("i"), Constant(2))
    assert instructions("for i in range(2):\n    self.ring[i] = 0") == [
        Assign("i", Constant(0)),
        Branch(going, 2, 4),
        Store(Place(DRIVER, "ring", Read("i")), Constant(0)),
        Assign("i", Arithmetic("+", Read("i"), Constant(1))),
        END,
    ]
    down = instructions("for i in range(3, 0, -1):\n    pass")
    assert down[1] == Branch(Compare("<", Constant(0), Read("i")), 2, 3)


def test_continue_goes_to_the_next_round() -> None:
    body = "for i in range(2):\n    if self.pending:\n        continue\n    self.flags = i"
    found = instructions(body)
    assert isinstance(found[3], Branch)
    assert isinstance(found[found[3].then], Assign)
    assert isinstance(found[found[3].otherwise], Store)


def test_what_follows_an_endless_loop_is_dropped() -> None:
    found = instructions("while TRUE:\n    if self.pending:\n        return 1\n    self.flags = 2")
    assert [type(item) for item in found] == [Branch, Load, Branch, Return, Store, Return]


def test_assert() -> None:
    assert instructions('assert self.pending < 4, "room left"')[1] == Assert(
        Compare("<", Read("%1"), Constant(4)), "room left"
    )
    found = instructions("assert self.pending")[1]
    assert isinstance(found, Assert)
    assert found.detail == "self.pending"


def test_choices() -> None:
    three = (Constant(0), Constant(1), Constant(2))
    assert instructions("x = choose(range(3))")[0] == Choose("x", three)
    assert instructions("x = choose(0, 1, 2)")[0] == Choose("x", three)
    assert instructions("self.pending = unknown(0, 1)")[0] == Choose(
        "%1", three[:2], "unknown(0, 1)"
    )
    assert instructions('x = unknown("the registry", 0, 1)')[0] == Choose(
        "x", three[:2], "the registry"
    )
    assert instructions("x = choose(NULL, self.r0)")[0] == Choose("x", (NULL, Constant("r0")))


def test_declared_local() -> None:
    routine = routine_of(load_text(with_body("n: Int(0, 3) = 0\nself.pending = n")))
    assert routine.domains == (("n", Range(0, 3)),)


def test_source_of_a_node() -> None:
    source = routine_of(load_text(with_body("pass\nself.pending = 1"))).nodes[0].source
    assert (source.file[-9:], source.routine) == ("driver.py", "Run")
    assert source.text == "self.pending = 1"


def test_statement_of_several_lines_shows_as_one() -> None:
    body = "KeInsertQueueDpc(\n    self.dpc,  # ours\n    NULL,\n    NULL,\n)"
    source = routine_of(load_text(with_body(body))).nodes[0].source
    assert source.text == "KeInsertQueueDpc(self.dpc, NULL, NULL)"
