"""`stuck-context`: the end of a context, or, for one that has none, leaving each wait."""

from dataclasses import replace

from dirql.model.algebra import member
from dirql.model.domain import Boolean, Enumeration
from dirql.model.expr import Compare, Constant, Expression, IfThenElse, Read
from dirql.model.machine import (
    Context,
    ContextKind,
    Machine,
    Progress,
    Source,
    Transition,
    Variable,
)
from dirql.model.system import Point, System
from dirql.properties.progress import stuck_context

from .systems import EMPTY, Runner, closure, lock_system, reachable, value

WAKE = Read("event")


def thread_system(*edges: tuple[str, str, Expression | None], ends: tuple[str, ...] = ()) -> System:
    """A thread with the given (from, to, condition) steps; it waits on `event` at `wait`."""
    labels = tuple(dict.fromkeys(label for a, b, _ in edges for label in (a, b)))
    counter = Read("at T")
    context = Context("T", ContextKind.THREAD, "at T", Constant("none"), Constant(0))
    device = Context("device", ContextKind.HARDWARE, "", Constant("none"), Constant(0))
    steps = tuple(
        Transition(
            f"{a} to {b}",
            "T",
            (Compare("==", counter, Constant(a)), *(() if condition is None else (condition,))),
            (("at T", Constant(b)),),
        )
        for a, b, condition in edges
    )
    points = tuple(
        Point(
            "T", label, 0, (), "", "event" if label == "wait" else "", "", label in ends, Source()
        )
        for label in labels
    )
    variables = (
        Variable("at T", Enumeration("points of T", labels), labels[:1], "T"),
        Variable("event", Boolean(), (False,)),
    )
    machine = Machine("thread", variables, steps, (context, device))
    return replace(EMPTY, machine=machine, points=points)


def signalled(system: System) -> System:
    """`system` with hardware that may set the event."""
    setting = Transition("device sets event", "device", (), (("event", Constant(value=True)),))
    machine = replace(system.machine, transitions=(*system.machine.transitions, setting))
    return replace(system, machine=machine)


def stuck(system: System) -> list[Progress]:
    """The progress conditions that fail."""
    edges = reachable(system.machine)
    return [
        item
        for item in stuck_context(system)
        if isinstance(item, Progress)
        and any(
            value(item.live, dict(state))
            and not any(value(item.goal, dict(later)) for later in closure(edges, state))
            for state in edges
        )
    ]


def test_a_wait_that_nobody_ends() -> None:
    system = thread_system(("start", "wait", None), ("wait", "end", WAKE), ends=("end",))
    (found,) = stuck(system)
    assert found.context == "T"
    assert found.detail == "T can never finish"
    assert stuck(signalled(system)) == []


def test_the_start_of_a_context_is_its_rest() -> None:
    system = thread_system(("idle", "work", None), ("work", "idle", None), ends=("idle",))
    (condition,) = stuck_context(system)
    assert isinstance(condition, Progress)
    assert condition.live == member(Read("at T"), ["work"])
    assert condition.goal == member(Read("at T"), ["idle"])
    assert stuck(system) == []


def test_a_thread_that_loops_for_ever_must_leave_each_wait() -> None:
    system = thread_system(("start", "wait", None), ("wait", "start", WAKE))
    (found,) = stuck(system)
    assert found.detail == "T can never go on: it waits for event"
    assert stuck(signalled(system)) == []


def test_a_loop_that_waits_for_nobody_is_no_concern() -> None:
    system = thread_system(("start", "again", None), ("again", "start", None))
    assert stuck_context(system) == ()


def test_a_guard_is_a_wait_as_well() -> None:
    system = thread_system(("start", "again", None), ("again", "start", WAKE))
    (found,) = stuck(system)
    assert found.detail == "T can never go on"


def test_going_into_the_endless_part_counts_as_an_end() -> None:
    """From `start` the thread can finish or serve for ever; serving is judged by itself."""
    system = thread_system(
        ("start", "end", WAKE),
        ("start", "wait", None),
        ("wait", "served", WAKE),
        ("served", "wait", None),
        ends=("end",),
    )
    assert [item.detail for item in stuck(system)] == ["T can never go on: it waits for event"]
    assert stuck(signalled(system)) == []


def test_the_graph_follows_guards_and_updates_of_every_form() -> None:
    counter = Read("at T")
    system = thread_system(("a", "b", None), ("b", "c", None), ends=("c",))
    first = replace(
        system.machine.transitions[0],
        guard=(member(counter, ["a", "b"]),),
        updates=(("at T", IfThenElse(WAKE, Constant("c"), Constant("b"))),),
    )
    mirrored = replace(
        system.machine.transitions[1],
        guard=(Compare("==", Constant("b"), counter),),
        updates=(("at T", counter),),
    )
    machine = replace(system.machine, transitions=(first, mirrored))
    assert [item.detail for item in stuck(replace(system, machine=machine))] == [
        "T can never finish"
    ]


def test_hardware_is_not_asked() -> None:
    assert all(
        item.context != "device"
        for item in stuck_context(signalled(thread_system(("a", "b", None), ends=("b",))))
        if isinstance(item, Progress)
    )


def test_a_lock_left_behind_by_a_thread_sticks_the_others() -> None:
    careless = Runner("T", ("+A",))
    other = Runner("U", ("+A", "-A"))
    assert [item.context for item in stuck(lock_system([careless, other], ("P0", "P1")))] == ["U"]
