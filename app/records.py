"""The JSON form of answers: an object on a line for each pattern, scenario and processor count."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, assert_never

from dirql.explorer.verdict import Holds, Unknown, Violated
from dirql.model import scenario as expectations
from dirql.model.scenario import Expectation
from dirql.properties import grade_of

from .answers import Answer
from .printing import json_line

Record = dict[str, Any]


def line(answer: Answer, *, expect: bool) -> str:
    """`answer` as one line of JSON; with `expect` also what was expected and whether it agrees."""
    return json_line(record(answer, expect=expect))


def summary(answers: Sequence[Answer], asked: int, failed: int, code: int, *, expect: bool) -> str:
    """The last line of a run: without it a run was ended before it could say what it found.

    Parameters:
        answers: the answers that were found.
        asked: how many checks there were to be.
        failed: how many patterns could not be used.
        code: the exit code.
        expect: whether the answers were compared with what was expected.
    """
    words = Counter(_verdict(answer)[0] for answer in answers)
    fields: Record = {
        "kind": "summary",
        "asked": asked,
        "finished": len(answers) + failed,
        "holds": words["holds"],
        "violated": words["violated"],
        "unknown": words["unknown"],
        "failed": failed,
        **({"agree": sum(answer.agrees for answer in answers)} if expect else {}),
        "exit_code": code,
    }
    return json_line(fields)


def record(answer: Answer, *, expect: bool) -> Record:
    """`answer` as plain data. The first sixteen keys are always there.

    Scenario and processors are null where a limit was reached while the pattern was read.
    """
    question, statistics = answer.question, answer.result.statistics
    verdict, name, steps, more = _verdict(answer)
    fields: Record = {
        "kind": "check",
        "pattern": question.pattern,
        "scenario": question.scenario or None,
        "processors": question.processors or None,
        "verdict": verdict,
        "property": name,
        "steps": steps,
        "states": statistics.states,
        "transitions": statistics.transitions,
        "depth": statistics.depth,
        "seconds": round(statistics.seconds, 3),
        "engine": answer.result.engine,
        "complete": statistics.complete,
        "knobs": dict(answer.knobs_in_force),
        "cached": answer.result.cached,
        "scope": list(answer.scope),
        "not_asked": [
            {
                "property": item.property,
                "reason": item.reason,
                "only_after_failed_start": item.only_after_failed_start,
            }
            for item in answer.not_asked
        ],
        **more,
    }
    if answer.unasked:
        fields["unasked"] = answer.unasked
    if expect:
        fields["expected"] = None if answer.expected is None else _expected(answer.expected)
        fields["agrees"] = answer.agrees
    return fields


def _verdict(answer: Answer) -> tuple[str, str | None, int | None, Record]:
    """The verdict's word, property and number of steps, and the keys that only it has."""
    verdict = answer.result.verdict
    match verdict:
        case Holds():
            never_ran = [
                {
                    "context": item.context,
                    "routine": item.source.routine,
                    "line": item.source.line,
                    "text": item.source.text.strip(),
                }
                for item in answer.unvisited
            ]
            defaults = [
                {
                    "knob": item.knob,
                    "value": item.value,
                    "other": item.other,
                    "verdict": item.verdict,
                    "property": item.property or None,
                }
                for item in answer.defaults
            ]
            more = {"never_ran": never_ran, "cut": list(answer.cut), "defaults": defaults}
            return "holds", None, None, more
        case Violated(name, trace):
            end = trace.violation
            more = {
                "detail": end.detail,
                "bug_check": end.bug_check,
                "needs": dict(answer.needed_knobs),
                "grade": grade_of(name).value,
                "also": [_also(item) for item in answer.result.others],
            }
            if answer.result.unfinished:
                more["unfinished"] = answer.result.unfinished
            if answer.standstill:
                more["standstill"] = answer.standstill
            return "violated", name, len(trace.steps), more
        case Unknown(reason, possible):
            if possible is None:
                return "unknown", None, None, {"reason": reason}
            return "unknown", possible.violation.property, len(possible.steps), {"reason": reason}
        case _:
            assert_never(verdict)


def _also(found: Violated) -> Record:
    """Another property that is broken."""
    grade, steps = grade_of(found.property).value, len(found.trace.steps)
    return {"property": found.property, "grade": grade, "steps": steps}


def _expected(expectation: Expectation) -> Record:
    match expectation:
        case expectations.Holds(states):
            fields: Record = {"verdict": "holds", "states": states}
        case expectations.Violated(name, steps, states):
            fields = {"verdict": "violated", "property": name, "steps": steps, "states": states}
        case _:
            assert_never(expectation)
    return {key: value for key, value in fields.items() if value != 0}
