"""Drivers whose answers are known, through compiler, properties and explorer."""

import pytest

from dirql.explorer.engine import Limits
from dirql.explorer.reference import ReferenceEngine
from dirql.explorer.replay import replay
from dirql.explorer.verdict import Holds, Unknown, Violated
from dirql.model.compiler import compile_system
from dirql.model.kernel.knobs import Knobs
from dirql.properties import apply

from ..language.loading import load_text
from .known_answers import KNOWN
from .known_drivers import Known

CASES = [
    pytest.param(item, processors, id=f"{item.name} ({processors})")
    for item in KNOWN
    for processors in item.answers
]


@pytest.mark.parametrize(("known", "processors"), CASES)
def test_known_driver(known: Known, processors: int) -> None:
    pattern = load_text(known.text)
    system = compile_system(pattern.program, pattern.scenarios[0], processors, Knobs(known.knobs))
    machine = apply(system, known.properties)
    match ReferenceEngine().check(machine, Limits(states=20_000)).verdict:
        case Holds():
            answer = "holds"
        case Violated(name, trace):
            answer = name
            replay(machine, trace)
        case Unknown(reason):
            answer = reason
    assert answer == known.answers[processors]
