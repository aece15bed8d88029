"""Which locals are needed where."""

from dirql.model.compiler.liveness import Liveness
from dirql.model.routine import Call, Instruction
from tests.language.loading import load_text, routine_of, with_body


def live(body: str, methods: str = "") -> list[tuple[Instruction, frozenset[str]]]:
    """The instructions of a routine, each with the locals needed before it."""
    routine = routine_of(load_text(with_body(body, methods)))
    found = Liveness(routine)
    return [(node.instruction, found.before(i)) for i, node in enumerate(routine.nodes)]


def before(body: str, position: int) -> frozenset[str]:
    """The locals needed before the instruction at `position`."""
    return live(body)[position][1]


def test_a_local_is_live_from_its_assignment_to_its_last_use() -> None:
    body = "x = self.pending\nself.flags = 1\nself.pending = x\nself.flags = 2"
    assert [item for _, item in live(body)] == [
        frozenset(),
        frozenset({"x"}),
        frozenset({"x"}),
        frozenset(),
        frozenset(),
    ]


def test_a_local_assigned_again_is_dead_in_between() -> None:
    body = "x = self.pending\nself.flags = x\nx = self.pending\nself.flags = x"
    assert before(body, 2) == frozenset()


def test_a_local_used_on_one_way_only_is_live_at_the_branch() -> None:
    body = "x = self.pending\nif self.flags:\n    self.pending = x"
    assert "x" in before(body, 1)
    assert before(body, 4) == frozenset()


def test_a_local_used_in_the_next_round_is_live_through_the_loop() -> None:
    body = "x = self.pending\nwhile self.flags:\n    self.flags = x"
    assert all("x" in item for _, item in live(body)[1:4])


def test_an_index_and_an_object_are_uses() -> None:
    assert before("i = self.pending\nself.ring[i] = 1", 1) == {"i"}
    assert before("p = self.current\nself.flags = 1\np.refs = 1", 1) == {"p"}


def test_arguments_are_kept_during_a_kernel_call_only() -> None:
    body = "x = self.pending\ny = self.pending\nInterlockedExchange(self.flags, x)\nself.flags = y"
    routine = routine_of(load_text(with_body(body)))
    position = next(i for i, node in enumerate(routine.nodes) if isinstance(node.instruction, Call))
    found = Liveness(routine)
    assert found.during_call(position, keeps_arguments=True) == {"x", "y"}
    assert found.during_call(position, keeps_arguments=False) == {"y"}


def test_a_result_is_not_live_during_the_call_that_gives_it() -> None:
    body = "x = self.pending\nx = self.Complete(x)\nself.flags = x"
    routine = routine_of(load_text(with_body(body)))
    position = next(i for i, node in enumerate(routine.nodes) if isinstance(node.instruction, Call))
    assert Liveness(routine).during_call(position, keeps_arguments=False) == frozenset()
