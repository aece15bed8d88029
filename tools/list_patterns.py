"""Write patterns/README.md: a line for each pattern, with what it is about and its verdicts."""

from collections.abc import Iterator
from pathlib import Path

from dirql.model.language import load_pattern
from dirql.model.scenario import Expectation, Holds

FOLDER = Path(__file__).parent.parent / "patterns"
PAGE = FOLDER / "README.md"

_HEAD = """# Patterns

Real drivers and real bugs, rebuilt by hand: each file has the story, the code and the expected
verdict. A faulty pattern has a fixed twin, `*_fixed.py`, which holds on all its processor counts;
taking the fix out gives back the faulty one.

    dirql check patterns/pcidrv_stop.py         one of them
    dirql check --expect --jobs 2 patterns      all, against their expectations

This page is written by `tools/list_patterns.py`.

| pattern | about | verdict |
| --- | --- | --- |
"""


def verdict(count: int, expected: Expectation) -> str:
    """One expectation in a few words."""
    processors = "1 processor" if count == 1 else f"{count} processors"
    if isinstance(expected, Holds):
        return f"{processors}: holds ({expected.states:,} states)"
    return f"{processors}: `{expected.property}` after {expected.steps} steps"


def rows() -> Iterator[str]:
    """A table row for each pattern, twins beside each other."""
    for path in sorted(FOLDER.glob("*.py")):
        pattern = load_pattern(path)
        about = pattern.story.strip().splitlines()[0].rstrip(".")
        verdicts = [
            (f"{scenario.name}, " if len(pattern.scenarios) > 1 else "") + verdict(count, expected)
            for scenario in pattern.scenarios
            for count, expected in scenario.expect
        ]
        shown = "<br>".join(verdicts)
        yield f"| [{path.stem}]({path.name}) | {about} | {shown} |\n"


def page() -> str:
    """The whole page."""
    return _HEAD + "".join(rows())


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
