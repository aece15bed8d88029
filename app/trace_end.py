"""The last sentence of a trace: what went wrong, where, and what Windows does about it."""

import re
from collections.abc import Iterator

from dirql.explorer.trace import Step, Trace, Violation
from dirql.model.machine import MODEL_BOUND
from dirql.properties import Grade, grade_of

from .trace_lanes import HARDWARE, Course, Stand
from .trace_words import level_text, readable, short

HANGS = ("lock-cycle", "preemption-deadlock", "stuck-context")
"""Properties whose violation stops somebody for ever, without a bug check."""

ASSERTION = "assertion-failed"
"""The property whose detail is not what went wrong, but what its author claims."""

VERIFIER = "0xC4 "
"""How a bug check begins that only Driver Verifier raises."""

LINE = re.compile(r"\S+:\d+\b")
"""How the name of a program point begins where it is a line of the driver."""


def sentence(trace: Trace, course: Course) -> str:
    """The sentence: property, step, context, processor, IRQL, line, what is wrong, consequence."""
    violation = trace.violation
    count = len(trace.steps)
    when = f"{'in' if violation.at_step else 'after'} step {count}" if count else "at the start"
    where = "; ".join(_places(trace, course))
    place = f" ({where})" if where else ""
    detail = readable(violation.detail).strip().rstrip(".")
    if violation.property == ASSERTION:
        detail = f"this claim is false: {detail}"
    if violation.property == MODEL_BOUND:
        return f"{violation.property}: {when}{place} {detail}."
    name = f"{violation.property} ({grade_of(violation.property).value})"
    return f"{name}: {when}{place} {detail}; on Windows: {consequence(violation)}."


def consequence(violation: Violation) -> str:
    """What the driver's user sees: a bug check, a hang, or nothing at first."""
    survived = grade_of(violation.property) is not Grade.CRASH
    if survived and violation.bug_check.startswith(VERIFIER):
        return f"bug check {violation.bug_check} with Driver Verifier, else it goes on"
    if survived and violation.bug_check:
        return f"it goes on, and may come to bug check {violation.bug_check}"
    if violation.bug_check and violation.bug_check != "hang":
        return f"bug check {violation.bug_check}"
    if violation.bug_check or violation.property in HANGS:
        return "hang"
    return "no bug check here; the damage shows later or elsewhere"


def placed(context: str, processor: str, level: str, line: str) -> str:
    """`DPC on P0 at DISPATCH, NICDpcForIsr:56`, as far as that is known."""
    on = f" on {processor}" if processor else ""
    at = f" at {level}" if level else ""
    return f"{short(context)}{on}{at}" + (f", {line}" if line else "")


def line_text(step: Step) -> str:
    """The line of a step as the trace names it: `NICIsr:50`."""
    return f"{step.source.routine}:{step.source.line}" if step.source.line else ""


def _places(trace: Trace, course: Course) -> Iterator[str]:
    """Who is involved, and where each stands; the mover where nobody is named."""
    told = (item for item in trace.violation.contexts if item != HARDWARE)
    involved = tuple(told) or tuple(_named(trace.violation.detail, course))
    mover = trace.steps[-1].context if trace.steps else ""
    if trace.steps and (trace.violation.at_step or not involved):
        yield _mover(trace.steps[-1], course)
    for context in involved:
        if context != mover or not trace.violation.at_step:
            yield _standing(context, course.stands.get(context, Stand("", None, "")))


def _named(detail: str, course: Course) -> Iterator[str]:
    """The contexts that occupy a processor and are mentioned in `detail`."""
    for context, stand in course.stands.items():
        if stand.processor and re.search(rf"(?<!\w){re.escape(context)}(?!\w)", detail):
            yield context


def _mover(step: Step, course: Course) -> str:
    """Where the last step was taken. The level is the one before it, at which it was wrong."""
    position = course.positions[-1]
    if position.place == HARDWARE:
        return placed(step.context, "", "", line_text(step) or readable(step.name))
    level = "DIRQL" if position.before is None else level_text(position.before)
    return placed(step.context, position.place, level, line_text(step))


def _standing(context: str, stand: Stand) -> str:
    """Where a context stands in the last state. A floating thread is on no processor."""
    line = LINE.match(stand.point)
    level = "" if stand.irql is None else level_text(stand.irql)
    if stand.processor and stand.irql is None:
        level = "DIRQL"
    return placed(context, stand.processor, level, line.group() if line else "")
