"""Random drivers load; damaged ones are refused politely."""

import random
import re
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dirql.model.language import PatternError, load_pattern

from .loading import load_text
from .sources import driver_sources

TOKEN = re.compile(r"\w+|\s+|[^\w\s]")
SLOW = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@SLOW
@given(driver_sources())
def test_random_drivers_load(source: str) -> None:
    pattern = load_text(source)
    assert pattern.scenarios[0].start is not None
    again = load_text(source)
    names = [item.name for item in pattern.program.routines]
    assert names == [item.name for item in again.program.routines]


@settings(SLOW, max_examples=250)
@given(driver_sources(), st.randoms(use_true_random=False))
def test_damaged_drivers_are_refused_or_load(source: str, chance: random.Random) -> None:
    tokens = TOKEN.findall(source)
    for _ in range(chance.randint(1, 3)):
        _damage(tokens, chance)
    text = "".join(tokens)
    problem = _problem(text)
    if problem is None:
        _runs_alike(text)
    else:
        assert problem.code.startswith("DQ")
        assert problem.message
        assert str(problem).startswith("driver.py")


def _runs_alike(text: str) -> None:
    """What is read means what it means when it runs."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "driver.py"
        path.write_text(text, encoding="utf-8")
        read, run = load_pattern(path), load_pattern(path, run_module=True)
    assert read.program == run.program
    assert [item.name for item in read.scenarios] == [item.name for item in run.scenarios]


def _problem(text: str) -> PatternError | None:
    """What is wrong with a text, or `None` if it loads; any other exception gets out."""
    try:
        load_text(text)
    except PatternError as problem:
        return problem
    return None


def _damage(tokens: list[str], chance: random.Random) -> None:
    """Delete, repeat, exchange or replace tokens."""
    place, other = chance.randrange(len(tokens)), chance.randrange(len(tokens))
    match chance.randrange(5):
        case 0:
            del tokens[place]
        case 1:
            tokens.insert(place, tokens[other])
        case 2:
            tokens[place], tokens[other] = tokens[other], tokens[place]
        case 3:
            tokens[place] = tokens[other]
        case _:
            replacements = ("1.5", "None", "'text'", "NULL", "lambda: 0", "[", ":", "\n", "self")
            tokens[place] = chance.choice((*replacements, "-1", "choose", "unknown", "Int", "@"))
