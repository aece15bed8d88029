"""Values that cross between the driver and Windows become C types here, whichever way they go."""

from ..algebra import atoms, interval, is_false, less, negation
from ..domain import Range
from ..expr import Constant, Expression
from ..kernel.c_types import NTSTATUS, VOID, CrossingError, cross
from ..kernel.callbacks import Callback
from ..machine import Source
from .errors import CompileError
from .path import Path, RoutineActivation


def answers(
    path: Path,
    top: RoutineActivation,
    value: Expression,
    domains: dict[str, Range],
    source: Source,
) -> list[tuple[Path, Expression]]:
    """What Windows makes of the answer of a routine that it called, with a fork for each.

    Of a status only whether it is a failure is looked at, of a service routine's answer whether it
    is TRUE. An answer that is handed on keeps its value; only TRUE and FALSE are told apart here.

    Raises:
        CompileError: the answer is no value of the type that Windows looks at.
    """
    role = top.role
    if role is None or role.answers is VOID:
        return [(path, Constant(0))]
    try:
        answer = cross(role.answers, value, domains)
    except CrossingError as error:
        raise _wrong_answer(top, role, error, source) from error
    if isinstance(answer, Constant):
        known = answer if role.handed_on or role.answers is NTSTATUS else _truth(answer)
        return [(path, known)]
    if role.answers is NTSTATUS:
        if len(path.stack) == 1:
            return [(path, answer)]
        return _failures(path, answer)
    bounds = interval(answer, domains)
    if role.handed_on and not 0 <= bounds.low <= bounds.high <= 1:
        return [(path, answer)]
    return [(fork, known) for fork, known in path.split(answer, domains)]


def _truth(answer: Constant) -> Constant:
    """TRUE or FALSE."""
    return Constant(int(answer.value != 0))


def _failures(path: Path, status: Expression) -> list[tuple[Path, Expression]]:
    """Forks in which it is known whether a status is a failure."""
    failed = less(status, Constant(0))
    forks = [
        (path.fork(atoms(guard)), Constant(known))
        for guard, known in ((failed, -1), (negation(failed), 0))
        if not is_false(guard)
    ]
    return [(fork, known) for fork, known in forks if fork.possible]


def _wrong_answer(
    top: RoutineActivation, role: Callback, error: CrossingError, source: Source
) -> CompileError:
    return CompileError(
        f"{top.routine.name} is {role.name} and returns {role.answers.name}, and {error}",
        source,
        f"return {role.meaning}",
    )
