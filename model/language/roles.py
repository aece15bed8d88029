"""Routines that Windows calls take what Windows passes, and answer what it looks at."""

import ast
from collections.abc import Collection, Iterator

from ..expr import Constant
from ..kernel.c_types import VOID
from ..kernel.callbacks import START, Callback
from ..kernel.signature import Passing
from ..routine import AddressOf, Argument, Assign, Call, Node
from .borders import refuse_lossy
from .errors import DECLARATION, STATEMENT
from .kinds import Captured, Kind
from .results import without_result
from .source import SourceFile
from .statements import Statements
from .tables import Tables


def refuse_wrong_roles(
    frames: list[Statements], source: SourceFile, tables: Tables, starts: Collection[str]
) -> None:
    """Check the routines that are handed to Windows, and those that scenarios start with.

    Raises:
        PatternError: one has other parameters than Windows passes, gives no result where one is
            looked at, or one that C would not convert without a warning.
    """
    by_name = {frame.subject.name: frame for frame in frames}
    without = without_result(frames)
    for frame in frames:
        for node in frame.nodes:
            for name, role in _given_roles(frame, node, tables):
                if name in by_name:
                    _check_parameters(by_name[name], role, source)
                    _check_answers(by_name[name], role)
                    if name in without and (_uses_result(node) or not role.handed_on):
                        _refuse_silence(by_name[name], role, source)
    for name in starts:
        if name in by_name:
            _check_answers(by_name[name], START)


def _given_roles(frame: Statements, node: Node, tables: Tables) -> Iterator[tuple[str, Callback]]:
    """The routines that an instruction hands to Windows, each with what it will be called as."""
    match node.instruction:
        case Assign(target=target, value=Constant(value=str(name))):
            local, _, path = target.partition(".")
            for member in tables.members(frame.structures.get(local, "")) if path else ():
                if member.name == path and member.calls is not None:
                    yield name, member.calls
        case Call(routine=Constant(value=str(kernel)), arguments=arguments):
            passed = [
                item for item in tables.routines.get(kernel, ()) if item.passing is not Passing.OUT
            ]
            for parameter, given in zip(passed, arguments, strict=False):
                if parameter.calls is not None and (name := _constant(given)):
                    yield name, parameter.calls
        case _:
            pass


def _constant(given: Argument) -> str:
    """The routine that an argument names, or empty where it is not known here."""
    if isinstance(given, AddressOf) or not isinstance(given, Constant):
        return ""
    return str(given.value)


def _uses_result(node: Node) -> bool:
    return isinstance(node.instruction, Call) and node.instruction.target is not None


def _refuse_silence(frame: Statements, role: Callback, source: SourceFile) -> None:
    if role.meaning:
        raise source.error(
            STATEMENT,
            f"`{frame.subject.name}` is {role.name} here, and gives no result",
            frame.subject.node,
            f"it returns {role.meaning}",
        )


def _check_answers(frame: Statements, role: Callback) -> None:
    """What the routine returns is of the type that Windows looks at."""
    if role.answers is VOID:
        return
    kind = frame.around.knowledge.results.get(frame.subject.name, Kind.UNKNOWN)
    for item in ast.walk(frame.subject.node):
        if isinstance(item, ast.Return) and item.value is not None:
            what = f"the result of `{frame.subject.name}`, {role.name},"
            found = Captured(kind, Constant(0))
            refuse_lossy(frame, item.value, found, role.answers, what, answer=True)


def _check_parameters(frame: Statements, role: Callback, source: SourceFile) -> None:
    given, most = len(frame.parameters), len(role.parameters)
    if most - role.spare <= given <= most:
        return
    wanted = str(most) if not role.spare else f"{most - role.spare} to {most}"
    node = frame.subject.node
    raise source.error(
        DECLARATION,
        f"`{frame.subject.name}` takes {given} parameter(s) beside self, and {role.name} has "
        f"{wanted}",
        node,
        f"def {node.name}(self, {', '.join(role.parameters)}):",
    )
