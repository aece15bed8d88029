"""Every pattern: verdict, property, exact counts, shortest trace, and that the trace replays."""

from pathlib import Path

import pytest

from dirql.app.answers import Answer, answer, find_scenario
from dirql.app.questions import Failure, Options, Question, plan
from dirql.explorer.replay import replay
from dirql.explorer.verdict import Violated
from dirql.model.compiler import compile_system
from dirql.model.kernel import make_knobs
from dirql.model.language import load_pattern
from dirql.model.scenario import Holds as ExpectedHolds
from dirql.model.scenario import Violated as ExpectedViolated
from dirql.properties import apply

FOLDER = Path(__file__).parent.parent / "patterns"
FILES = sorted(FOLDER.glob("*.py"))
QUESTIONS = plan(FILES, Options(compare_knobs=False))


def _id(question: Question | Failure) -> str:
    """A short name for one case."""
    name = Path(question.pattern).stem
    if isinstance(question, Failure):
        return name
    return f"{name}-{question.scenario}-{question.processors}"


@pytest.mark.parametrize("question", QUESTIONS, ids=_id)
def test_pattern(question: Question | Failure) -> None:
    """The answer is the recorded one, exactly, and a violation is real."""
    assert not isinstance(question, Failure), question.message
    found = answer(question)
    assert isinstance(found, Answer), found
    pattern = load_pattern(Path(question.pattern))
    scenario = find_scenario(pattern, question.scenario)
    expected = dict(scenario.expect)[question.processors]
    verdict = found.result.verdict
    assert found.agrees, verdict
    assert expected.states == found.result.statistics.states
    if isinstance(verdict, Violated):
        assert isinstance(expected, ExpectedViolated)
        assert expected.steps == len(verdict.trace.steps)
        knobs = make_knobs(dict(scenario.knobs))
        system = compile_system(pattern.program, scenario, question.processors, knobs)
        replay(apply(system, scenario.properties or None), verdict.trace)
    else:
        assert isinstance(expected, ExpectedHolds)


def _twins() -> list[tuple[Path, Path]]:
    """Each fixed pattern with its faulty twin."""
    fixed = [path for path in FILES if path.stem.endswith("_fixed")]
    return [(path, path.with_name(path.name.replace("_fixed", ""))) for path in fixed]


@pytest.mark.parametrize(("fixed", "faulty"), _twins(), ids=lambda path: path.stem)
def test_twins(fixed: Path, faulty: Path) -> None:
    """A fixed pattern holds everywhere; its twin, without the fix, fails somewhere."""
    holds = [item for s in load_pattern(fixed).scenarios for _, item in s.expect]
    fails = [item for s in load_pattern(faulty).scenarios for _, item in s.expect]
    assert holds
    assert all(isinstance(item, ExpectedHolds) for item in holds)
    assert any(isinstance(item, ExpectedViolated) for item in fails)


def test_every_faulty_pattern_has_a_twin() -> None:
    """A pattern that fails has a fixed twin beside it."""
    for path in FILES:
        fails = [item for s in load_pattern(path).scenarios for _, item in s.expect]
        if any(isinstance(item, ExpectedViolated) for item in fails):
            twin = path.with_name(f"{path.stem}_fixed.py")
            assert twin.exists(), f"{path.name} has no {twin.name}"
