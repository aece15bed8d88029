"""Deadlocks of spin locks: found where they are, and nowhere else."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dirql.model.machine import Invariant
from dirql.model.system import System
from dirql.properties import deadlock_goals, kernel_invariants
from dirql.properties.locking import lock_cycle, preemption_deadlock
from dirql.properties.waits import Deadlock, cycles, preemptions, recursions

from .systems import Runner, State, closure, lock_system, reachable, value

BOTH = ("P0", "P1")


def broken(system: System) -> set[str]:
    """The names of the deadlock invariants that some reachable state breaks."""
    states = reachable(system.machine)
    return {
        goal.property
        for goal in deadlock_goals(system)
        if any(not value(goal.condition, dict(state)) for state in states)
    }


def test_recursion() -> None:
    system = lock_system([Runner("T", ("+A", "+A", "-A", "-A"))], BOTH)
    assert broken(system) == {"recursive-lock-acquire"}


def test_an_interrupt_spins_for_the_lock_of_the_thread_below() -> None:
    thread = Runner("T", ("+A", "-A"))
    routine = Runner("I", ("+A", "-A"), "P0", 7)
    assert broken(lock_system([thread, routine], BOTH)) == {"preemption-deadlock"}
    assert broken(lock_system([thread, routine], ("P0",))) == {"preemption-deadlock"}


def test_two_interrupts_of_one_level_do_not_nest() -> None:
    first = Runner("I", ("+A", "-A"), "P0", 7)
    second = Runner("J", ("+A", "-A"), "P0", 7)
    assert broken(lock_system([first, second], ("P0",))) == set()
    nested = Runner("J", ("+A", "-A"), "P0", 8)
    assert broken(lock_system([first, nested], ("P0",))) == {"preemption-deadlock"}


def test_two_threads_take_two_locks_in_opposite_orders() -> None:
    one = Runner("T", ("+A", "+B", "-B", "-A"))
    other = Runner("U", ("+B", "+A", "-A", "-B"))
    assert broken(lock_system([one, other], BOTH)) == {"lock-cycle"}
    assert broken(lock_system([one, other], ("P0",))) == set()
    same = Runner("U", ("+A", "+B", "-B", "-A"))
    assert broken(lock_system([one, same], BOTH)) == set()


def test_a_cycle_through_an_interrupted_owner() -> None:
    """T owns B and lies below I, which spins for A; U owns A and spins for B."""
    thread = Runner("T", ("+B", "-B"))
    routine = Runner("I", ("+A", "-A"), "P0", 7)
    partner = Runner("U", ("+A", "+B", "-B", "-A"), "P1", 7)
    system = lock_system([thread, routine, partner], BOTH)
    assert broken(system) == {"lock-cycle", "preemption-deadlock"}
    details = {
        goal.detail
        for goal in lock_cycle(system)
        if isinstance(goal, Invariant)
        and any(not value(goal.condition, dict(s)) for s in reachable(system.machine))
    }
    assert details == {
        "I and U spin, each for a lock that cannot be released before the next one has moved"
    }


def test_a_ring_of_three() -> None:
    ring = [
        Runner("T", ("+A", "+B", "-B", "-A")),
        Runner("U", ("+B", "+C", "-C", "-B")),
        Runner("V", ("+C", "+A", "-A", "-C")),
    ]
    assert broken(lock_system(ring, ("P0", "P1", "P2"))) == {"lock-cycle"}
    assert broken(lock_system(ring, BOTH)) == set()


def test_the_level_of_the_spin_in_question_counts() -> None:
    """T spins for B at level 8 as well; at level 2 it lies below I, which goes on and releases."""
    thread = Runner("T", ("+A", "-A", "^8", "+B", "-B", "^2"))
    routine = Runner("I", ("+A", "-A"), "P0", 7)
    system = lock_system([thread, routine], BOTH)
    states = [dict(state) for state in reachable(system.machine)]
    above = {"at I": "1", "at T": "0", "owner of A": "I", "processor of T": "P0"}
    assert any(above.items() <= state.items() for state in states)
    for deadlock in preemptions(system):
        assert deadlock.contexts == ("I", "T")
    raised = Runner("T", ("^8", "+A", "-A", "^2"))
    assert broken(lock_system([raised, routine], BOTH)) == set()


def test_details_name_contexts_and_lock() -> None:
    system = lock_system([Runner("T", ("+A", "-A")), Runner("I", ("+A", "-A"), "P0", 7)], BOTH)
    (found,) = preemption_deadlock(system)
    assert isinstance(found, Invariant)
    assert found.detail == (
        "I spins for A, and interrupted its owner T, which cannot run before it is done"
    )
    assert found.bug_check == "0x133 DPC_WATCHDOG_VIOLATION"


def raised(program: tuple[str, ...], level: int, base: int) -> tuple[str, ...]:
    """`program` at a higher level, after itself."""
    return (*program, f"^{level}", *program, f"^{base}")


def nested(actions: list[tuple[str, bool]]) -> tuple[str, ...]:
    """A program that takes the named locks, some released again before the next is taken."""
    program: list[str] = []
    held: list[str] = []
    for lock, release_first in actions:
        if release_first and held:
            program.append(f"-{held.pop()}")
        if lock not in held:
            program.append(f"+{lock}")
            held.append(lock)
    return (*program, *(f"-{lock}" for lock in reversed(held)))


programs = st.lists(st.tuples(st.sampled_from("ABC"), st.booleans()), min_size=1, max_size=3).map(
    nested
)
threads = st.lists(programs, min_size=0, max_size=2).map(
    lambda found: [Runner(f"T{index}", program) for index, program in enumerate(found)]
)
raising = programs.map(lambda program: [Runner("T", raised(program, 6, 2))])
some_threads = st.one_of(threads, raising)
routines = st.lists(
    st.tuples(programs, st.sampled_from(BOTH), st.sampled_from((5, 7))), min_size=0, max_size=2
).map(
    lambda found: [
        Runner(f"I{index}", program, processor, level)
        for index, (program, processor, level) in enumerate(found)
    ]
)


@given(some_threads, routines, st.sampled_from((("P0",), BOTH)))
@settings(deadline=None)
def test_a_deadlock_is_for_ever_and_every_stuck_thread_has_one(
    some: list[Runner], others: list[Runner], processors: tuple[str, ...]
) -> None:
    runners = [*some, *(runner for runner in others if runner.processor in processors)]
    system = lock_system(runners, processors)
    edges = reachable(system.machine)
    found = [*recursions(system), *preemptions(system), *cycles(system)]
    dead = {state: [d for d in found if value(d.holds, dict(state))] for state in edges}
    for state, deadlocks in dead.items():
        for deadlock in deadlocks:
            assert_nobody_moves(edges, state, deadlock)
    for state in edges:
        later = closure(edges, state)
        for runner in runners:
            if not any(dict(s)[f"at {runner.name}"] in ("start", "done") for s in later):
                assert any(dead[s] for s in later), (runner, state)


def assert_nobody_moves(edges: dict[State, set[State]], state: State, deadlock: Deadlock) -> None:
    """No context of `deadlock` ever takes a step again."""
    for name in deadlock.contexts:
        counter = f"at {name}"
        assert {dict(later)[counter] for later in closure(edges, state)} == {dict(state)[counter]}


@given(some_threads, routines)
@settings(deadline=None)
def test_kernel_invariants_hold(some: list[Runner], others: list[Runner]) -> None:
    system = lock_system([*some, *others], BOTH)
    states = [dict(state) for state in reachable(system.machine)]
    for fact in kernel_invariants(system):
        assert all(value(fact.condition, state) for state in states), fact.detail


@pytest.mark.parametrize("processors", [("P0",), BOTH])
def test_kernel_invariants_name_each_fact_once(processors: tuple[str, ...]) -> None:
    system = lock_system(
        [Runner("T", ("+A", "-A")), Runner("I", ("+A", "-A"), "P0", 7)], processors
    )
    details = [fact.detail for fact in kernel_invariants(system)]
    assert len(details) == len(set(details))
    assert "at a point that holds A, T is its owner" in details
    assert "T occupies a processor at DISPATCH_LEVEL and above" in details
    assert not any("I occupies" in detail for detail in details)
