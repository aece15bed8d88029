"""Random drivers through the compiler and the reference explorer.

What the machine shows is compared with `interpreter/`, which runs routine graphs; what
the explorer says of the machine with `tests/oracle.py`, which walks expressions to evaluate them.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from itertools import product
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, note, settings
from hypothesis import strategies as st

from dirql.explorer.engine import Limits
from dirql.explorer.evaluate import Evaluator, State
from dirql.explorer.reference import ReferenceEngine
from dirql.explorer.replay import replay
from dirql.explorer.successors import Successors
from dirql.explorer.verdict import Unknown, Violated
from dirql.model.compiler import compile_system
from dirql.model.digest import digest
from dirql.model.domain import Value
from dirql.model.expr import Read
from dirql.model.kernel import make_knobs
from dirql.model.language import Pattern
from dirql.model.machine import Machine
from dirql.properties import Grade, apply, grade_of

from ..language.loading import load_text
from ..language.sources import driver_sources
from ..oracle import Oracle
from .interpreter.search import Explored, TooLargeError, View, explore
from .interpreter.state import NONE
from .small_drivers import small_drivers
from .test_reference import compare_verdicts

_EXAMPLES = settings().max_examples
SLOW = settings(
    max_examples=_EXAMPLES if _EXAMPLES > 200 else min(_EXAMPLES // 2, 40),
    deadline=None,
    suppress_health_check=[
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
        HealthCheck.filter_too_much,
    ],
)
MOST_STATES = 1_200
DIGESTS = """
import json, sys
from tests.conformance.test_drivers import digests
print(json.dumps([digests(source) for source in json.load(sys.stdin)]))
"""


# What a machine shows.


def memory_of(pattern: Pattern) -> set[str]:
    """The names of the variables that a driver's own fields become."""
    names: set[str] = set()
    for item in pattern.program.objects:
        if item.type in ("KEVENT", "KTIMER"):
            continue
        for declared in item.fields:
            name = f"{item.name}.{declared.name}"
            names |= {f"{name}[{i}]" for i in range(declared.count)} if declared.count else {name}
    return names


def viewer(pattern: Pattern, machine: Machine) -> Callable[[State], View]:
    """The function that says what a state shows, as the oracle does."""
    evaluator = Evaluator(machine)
    memory = memory_of(pattern)
    parts: list[tuple[str, Callable[[State], Value], Value]] = []
    for item in machine.variables:
        value = evaluator.value(Read(item.name))
        if item.name in memory:
            parts.append((item.name, value, "always shown"))
        elif item.name.startswith("owner of "):
            parts.append((item.name, value, NONE))
        elif item.name.endswith(" queued on"):
            parts.append((f"queued {item.name.removesuffix(' queued on')}", value, NONE))
        elif item.name.endswith(" interrupt is"):
            parts.append((f"state {item.name.removesuffix(' is')}", value, "unused"))
        elif item.name == "timer is":
            parts.append(("timer timer", value, "idle"))
        elif item.name == "item is":
            parts.append(("work item", value, "idle"))
    for context in machine.contexts:
        if context.counter:
            parts.append((f"level of {context.name}", evaluator.value(context.irql), 0))
            parts.append((f"place of {context.name}", evaluator.value(context.processor), NONE))

    def view(state: State) -> View:
        shown = ((name, value(state), usual) for name, value, usual in parts)
        return frozenset((name, found) for name, found, usual in shown if found != usual)

    return view


def examined(pattern: Pattern, machine: Machine) -> Explored:
    """What all reachable states show, and the rules that can be broken.

    A behaviour goes on behind a rule that a free build survives.

    Raises:
        TooLargeError: there are more than `MOST_STATES` states.
    """
    view = viewer(pattern, machine)
    found = Explored()
    evaluator = Evaluator(machine)
    successors = Successors(machine, evaluator)
    holds = {
        item: evaluator.value(item.condition)
        for step in machine.transitions
        for item in step.checks
    }
    known = set(product(*(item.initial for item in machine.variables)))
    work = list(known)
    while work:
        state = work.pop()
        before = view(state)
        found.views.add(before)
        for action in successors.enabled(state):
            checks = action.transition.checks
            wrong = [item.property for item in checks if not holds[item](state)]
            fatal = [name for name in wrong if grade_of(name) is Grade.CRASH]
            found.broken.update(name for name in wrong if name not in fatal)
            if fatal:
                found.broken.add(fatal[0])
                continue
            following = action.after(state)
            found.changes.add((before, view(following)))
            if following not in known:
                known.add(following)
                work.append(following)
        if len(known) > MOST_STATES:
            raise TooLargeError
    found.states = len(known)
    return found


def both(source: str, processors: int, *, eager: bool) -> tuple[Explored, Explored]:
    """What the compiled machine shows, and what the oracle says it should; both are small."""
    pattern = load_text(source)
    scenario = pattern.scenarios[0]
    knobs = make_knobs(dict(scenario.knobs))
    machine = compile_system(pattern.program, scenario, processors, knobs).machine
    try:
        shown = examined(pattern, machine)
        most = 4 * MOST_STATES
        return shown, explore(pattern.program, scenario, processors, eager=eager, most=most)
    except TooLargeError:
        assume(condition=False)
        raise


# The compiler against the oracle.


@pytest.mark.parametrize("processors", [1, 2])
@SLOW
@given(source=st.one_of(small_drivers(), small_drivers(), driver_sources()))
def test_a_machine_does_what_its_driver_does(processors: int, source: str) -> None:
    compare(source, processors)


@settings(SLOW, max_examples=max(4, SLOW.max_examples // 10))
@given(source=small_drivers())
def test_so_it_does_on_three_processors(source: str) -> None:
    compare(source, 3)


def compare(source: str, processors: int) -> None:
    """The machine shows what the interpreter shows, state by state and step by step."""
    note(source)
    shown, expected = both(source, processors, eager=True)
    assert shown.broken == expected.broken
    if "while" in source:
        # A loop over data takes a step for each round, which hides nothing that eager steps show.
        assert shown.views >= expected.views
        return
    assert shown.views == expected.views
    assert {pair for pair in shown.changes if pair[0] != pair[1]} == {
        pair for pair in expected.changes if pair[0] != pair[1]
    }


@pytest.mark.parametrize("processors", [1, 2])
@SLOW
@given(source=small_drivers())
def test_running_locals_with_the_step_before_hides_nothing(processors: int, source: str) -> None:
    note(source)
    shown, expected = both(source, processors, eager=False)
    assert pinned(shown) <= pinned(expected)
    assert shown.broken == expected.broken
    if not expected.broken:
        assert memories(shown) == memories(expected)


def pinned(found: Explored) -> set[View]:
    """What was seen, but not where threads stand whose IRQL fell.

    One whose last step lowers its IRQL has ended with it, and waits for no DPC.
    """
    return {
        frozenset(
            (name, value)
            for name, value in view
            if not name.startswith("place of ")
            or any(other == name.replace("place", "level") for other, _ in view)
        )
        for view in found.views
    }


def memories(found: Explored) -> set[View]:
    """What was seen of memory alone."""
    kernel = ("level of ", "place of ", "owner of ", "queued ", "state ", "timer ", "work ")
    return {
        frozenset(item for item in view if not item[0].startswith(kernel)) for view in found.views
    }


# The explorer on drivers.


@pytest.mark.parametrize("processors", [1, 2])
@SLOW
@given(source=st.one_of(small_drivers(), driver_sources()))
def test_every_driver_is_answered_and_every_violation_replays(processors: int, source: str) -> None:
    note(source)
    pattern = load_text(source)
    scenario = pattern.scenarios[0]
    knobs = make_knobs(dict(scenario.knobs))
    machine = apply(compile_system(pattern.program, scenario, processors, knobs))
    result = ReferenceEngine().check(machine, Limits(states=20_000))
    match result.verdict:
        case Violated(_, trace) | Unknown(_, trace) if trace is not None:
            replay(machine, trace)
        case _:
            pass


@SLOW
@given(source=small_drivers())
def test_every_answer_is_that_of_brute_force(source: str) -> None:
    note(source)
    pattern = load_text(source)
    scenario = pattern.scenarios[0]
    knobs = make_knobs(dict(scenario.knobs))
    machine = apply(compile_system(pattern.program, scenario, 1, knobs))
    result = ReferenceEngine().check(machine, Limits(states=200))
    assume(result.statistics.states < 200 and len(machine.transitions) < 120)
    try:
        assert len(examined(pattern, machine).views) <= 300
    except (TooLargeError, AssertionError):
        assume(condition=False)
    compare_verdicts(result, Oracle(machine).answer())


# Determinism.


def digests(source: str) -> list[str]:
    """The digests of a driver's machines."""
    pattern = load_text(source)
    return [
        digest(apply(compile_system(pattern.program, pattern.scenarios[0], processors)))
        for processors in (1, 2)
    ]


@settings(SLOW, max_examples=1)
@given(st.lists(driver_sources(), min_size=6, max_size=6))
def test_a_driver_always_gives_the_same_machine(sources: list[str]) -> None:
    mine = [digests(source) for source in sources]
    assert mine == [digests(source) for source in sources]
    for seed in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-c", DIGESTS],
            input=json.dumps(sources),
            capture_output=True,
            check=True,
            text=True,
            cwd=Path(__file__).parents[2],
            env={**os.environ, "PYTHONHASHSEED": seed},
        )
        assert json.loads(done.stdout) == mine
