"""Write the exact counts into the expectations of patterns: `record_expectations.py patterns/*.py`.

Only numbers change. A verdict or property that differs from the expectation is reported and left
alone: a person has to find out which of the two is wrong.
"""

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from dirql.app.answers import Answer, answer
from dirql.app.questions import Failure, Options, Question, plan
from dirql.explorer.verdict import Holds, Violated


@dataclass(frozen=True, slots=True)
class Edit:
    """Replace the characters from `start` to `end` by `text`."""

    start: int
    end: int
    text: str


def expectations(source: str) -> Iterator[dict[int, ast.Call]]:
    """For each `Scenario(...)` in order, the expectation call of each processor count."""
    for node in ast.walk(ast.parse(source)):
        if not (isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Scenario"):
            continue
        found: dict[int, ast.Call] = {}
        for keyword in node.keywords:
            if keyword.arg == "expect" and isinstance(keyword.value, ast.Dict):
                for key, value in zip(keyword.value.keys, keyword.value.values, strict=True):
                    if isinstance(key, ast.Constant) and isinstance(value, ast.Call):
                        found[int(str(key.value))] = value
        yield found


def recorded(found: Answer) -> str | None:
    """The expectation that the answer would meet exactly, or `None` for an unknown verdict."""
    states = found.result.statistics.states
    match found.result.verdict:
        case Holds():
            return f"Holds(states={states})"
        case Violated(name, trace):
            return f'Violated("{name}", steps={len(trace.steps)}, states={states})'
        case _:
            return None


def same_kind(call: ast.Call, text: str) -> bool:
    """Whether the expectation written and the one found differ in numbers only."""
    new = ast.parse(text, mode="eval").body
    assert isinstance(new, ast.Call)  # noqa: S101  (written by `recorded`)
    return ast.dump(new.func) == ast.dump(call.func) and [ast.dump(a) for a in new.args] == [
        ast.dump(a) for a in call.args
    ]


def record(path: Path) -> bool:
    """Bring one pattern up to date; say whether all its verdicts are as expected."""
    source = path.read_text(encoding="utf-8")
    lines = source.splitlines(keepends=True)
    calls = list(expectations(source))
    names: list[str] = []
    edits: list[Edit] = []
    good = True
    for question in plan([path], Options(compare_knobs=False)):
        if not isinstance(question, Question):
            print(question.message if isinstance(question, Failure) else question.reason)
            return False
        if question.scenario not in names:
            names.append(question.scenario)
        call = calls[names.index(question.scenario)].get(question.processors)
        good = _compare(path, question, call, lines, edits) and good
    for edit in sorted(edits, key=lambda item: item.start, reverse=True):
        source = source[: edit.start] + edit.text + source[edit.end :]
    path.write_text(source, encoding="utf-8")
    return good


def _compare(
    path: Path, question: Question, call: ast.Call | None, lines: list[str], edits: list[Edit]
) -> bool:
    """Ask one question and note the edit it calls for; say whether the verdict is as expected."""
    found = answer(question)
    text = None if isinstance(found, Failure) else recorded(found)
    where = f"{path.name} {question.scenario} {question.processors}"
    if text is None or call is None:
        print(f"{where}: {found.message if isinstance(found, Failure) else text or 'unknown'}")
        return False
    if not same_kind(call, text):
        print(f"{where}: expected {ast.unparse(call)}, found {text}")
        return False
    assert call.end_lineno is not None and call.end_col_offset is not None  # noqa: S101, PT018
    start = sum(map(len, lines[: call.lineno - 1])) + call.col_offset
    end = sum(map(len, lines[: call.end_lineno - 1])) + call.end_col_offset
    edits.append(Edit(start, end, text))
    return True


if __name__ == "__main__":
    outcomes = [record(Path(name)) for name in sys.argv[1:]]
    sys.exit(0 if all(outcomes) else 1)
