"""The native engine against the reference on machines that are compiled many at a time.

`test_conformance.py` compiles each machine by itself; here ten times as many are compared in the
same time. `--hypothesis-profile` with more examples makes a long run of it.
"""

from dataclasses import replace
from random import Random

from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from dirql.explorer.native import NativeEngine, NoCache, reachable
from dirql.explorer.reference import ReferenceEngine
from dirql.explorer.reference import reachable as reachable_by_reference
from dirql.explorer.verdict import Holds, Result, Violated
from dirql.model.dump import dump
from dirql.model.machine import Machine

from ..batches import together, variants
from ..machines import machines

TOGETHER = 30
BATCHES = settings(
    max_examples=max(3, settings().max_examples // 20),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
CHANCE = st.integers(0, 1 << 30).map(Random)


def native(machine: Machine) -> Result:
    return NativeEngine(cache=NoCache()).check(machine)


@BATCHES
@given(machines(findings=False), CHANCE)
def test_each_reaches_what_it_reaches_alone(machine: Machine, chance: Random) -> None:
    note(dump(machine))
    batch = variants(machine, chance, TOGETHER)
    found = reachable(together(batch))
    for number, each in enumerate(batch):
        mine = {state[1:] for state in found if state[0] == number}
        assert mine == reachable_by_reference(each), dump(each)


@BATCHES
@given(machines(), CHANCE)
def test_each_gets_the_verdict_it_gets_alone(machine: Machine, chance: Random) -> None:
    """Those that hold do so together; with any one that does not, its violation is found."""
    asked = variants(replace(machine, races=()), chance, TOGETHER)
    plain = [item for item in asked if not any(step.opaque for step in item.transitions)]
    answers = [(item, ReferenceEngine().check(item)) for item in plain]
    holding = [(each, result) for each, result in answers if isinstance(result.verdict, Holds)]
    wrong = [(each, result) for each, result in answers if isinstance(result.verdict, Violated)]
    if holding:
        found = native(together([each for each, _ in holding]))
        assert isinstance(found.verdict, Holds)
        statistics = [result.statistics for _, result in holding]
        assert found.statistics.states == sum(item.states for item in statistics)
        assert found.statistics.transitions == sum(item.transitions for item in statistics)
        assert found.statistics.depth == max(item.depth for item in statistics)
    if wrong:
        each, result = chance.choice(wrong)
        found = native(together([each, *(item for item, _ in holding)]))
        assert isinstance(found.verdict, Violated), dump(each)
        assert isinstance(result.verdict, Violated)
        assert found.verdict.property == result.verdict.property, dump(each)
        assert len(found.verdict.trace.steps) == len(result.verdict.trace.steps), dump(each)
