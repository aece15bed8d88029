"""Values that cross between the driver and Windows become C types here, whichever way they go."""

from collections.abc import Collection, Iterator

from ..algebra import atoms, interval, is_false, less, negation
from ..domain import Range
from ..expr import Constant, Expression
from ..kernel.c_types import NTSTATUS, VOID, CrossingError, cross, in_field
from ..kernel.callbacks import SYNCHRONIZE, Callback
from ..kernel.rule import KernelRoutine
from ..kernel.signature import Parameter, Passing
from ..machine import Source
from ..routine import NULL
from .errors import CompileError
from .path import Path, RoutineActivation
from .places import Located


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


def passed(routine: KernelRoutine) -> Iterator[Parameter]:
    """The parameters as arguments come: structures member by member, results left out."""
    for parameter in routine.parameters:
        if parameter.passing is Passing.STRUCTURE:
            yield from parameter.members
        elif parameter.passing is not Passing.OUT:
            yield parameter


def usage(routine: KernelRoutine) -> str:
    """How the routine is called."""
    names = ", ".join(item.name for item in routine.parameters)
    return f"it is called as {routine.name}({names}); docs/kernel-routines.md has all of them"


def given(
    routine: KernelRoutine,
    arguments: dict[str, Expression],
    domains: dict[str, Range],
    routines: Collection[str],
    source: Source,
) -> dict[str, Expression]:
    """The arguments of a kernel routine, each of the C type of its parameter.

    What is left out has its default, which need be none of the type.

    Raises:
        CompileError: an address is given for a number, a number for an address, or something that
            is none of the driver's `routines` for one.
    """
    crossed = dict(arguments)
    for parameter in passed(routine):
        value = arguments[parameter.name]
        if parameter.default is not None and value == Constant(parameter.default):
            continue
        try:
            crossed[parameter.name] = cross(parameter.type, value, domains)
        except CrossingError as error:
            raise CompileError(
                f"{routine.name}: {parameter.name} is {parameter.type.name}, and {error}",
                source,
                usage(routine),
                word=parameter.name,
            ) from error
        if parameter.calls is not None:
            _require_routine(routine, parameter, crossed[parameter.name], routines, source)
    return crossed


def _require_routine(
    routine: KernelRoutine,
    parameter: Parameter,
    value: Expression,
    routines: Collection[str],
    source: Source,
) -> None:
    """What Windows will call is a routine of the driver; what it calls at once may be NULL."""
    if isinstance(value, Constant) and value.value in routines:
        return
    if value == Constant(NULL) and parameter.calls is SYNCHRONIZE:
        return
    what = value.value if isinstance(value, Constant) else "not known here"
    raise CompileError(
        f"{routine.name} is given no routine to call: {parameter.name} is {what}",
        source,
        "pass a routine of the driver without calling it: self.Routine",
        word=parameter.name.rpartition(".")[2],
    )


def stored(located: Located, value: Expression, source: Source) -> Expression:
    """What a store of `value` puts into a field.

    Raises:
        CompileError: a number for an address, an address for a number, or that of another object.
    """
    try:
        return in_field(located.domain, value, located.text)
    except CrossingError as error:
        hint = (
            "declare the field as what it holds: Reference(Request), RoutineReference, PKINTERRUPT"
        )
        if isinstance(located.domain, Range):
            hint = "declare a Reference, or store whether there is one: 1 if p != NULL else 0"
        raise CompileError(str(error), source, hint, word=located.field.name) from error
