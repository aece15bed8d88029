"""Routines that Windows calls take what Windows passes, and answer what it looks at."""

from collections.abc import Iterator

from ..expr import Constant
from ..kernel.callbacks import (
    DPC,
    DPC_FOR_ISR,
    SERVICE,
    SYNCHRONIZE,
    WORKER,
    WORKER_EX,
    Callback,
)
from ..kernel.signature import Parameter, Passing
from ..routine import AddressOf, Argument, Assign, Call, Node
from .errors import DECLARATION, STATEMENT
from .results import without_result
from .source import SourceFile
from .statements import Statements
from .tables import Tables

_ROLES: dict[str, dict[str, Callback]] = {
    "IoConnectInterrupt": {"ServiceRoutine": SERVICE},
    "KeSynchronizeExecution": {"SynchronizeRoutine": SYNCHRONIZE},
    "KeInitializeDpc": {"DeferredRoutine": DPC},
    "IoInitializeDpcRequest": {"DeferredRoutine": DPC_FOR_ISR},
    "IoQueueWorkItem": {"WorkerRoutine": WORKER},
    "IoQueueWorkItemEx": {"WorkerRoutine": WORKER_EX},
}
_MEMBERS = {"ServiceRoutine": SERVICE}
"""Members of local structures that name a routine."""


def refuse_wrong_roles(frames: list[Statements], source: SourceFile, tables: Tables) -> None:
    """Check the routines that are handed to Windows.

    Raises:
        PatternError: one has other parameters than Windows passes, or gives no result where one is
            looked at.
    """
    by_name = {frame.subject.name: frame for frame in frames}
    without = without_result(frames)
    for frame in frames:
        for node in frame.nodes:
            for name, role in _given_roles(node, tables):
                if name in by_name:
                    _check_parameters(by_name[name], role, source)
                    if name in without and (_uses_result(node) or not role.handed_on):
                        _refuse_silence(by_name[name], role, source)


def _given_roles(node: Node, tables: Tables) -> Iterator[tuple[str, Callback]]:
    """The routines that an instruction hands to Windows, each with what it will be called as."""
    match node.instruction:
        case Assign(target=target, value=Constant(value=str(name))):
            role = _MEMBERS.get(target.rpartition(".")[2])
            if role is not None and "." in target:
                yield name, role
        case Call(routine=Constant(value=str(kernel)), arguments=arguments):
            roles = _ROLES.get(kernel, {})
            passed = _passed(tables.routines.get(kernel, ()))
            for parameter, given in zip(passed, arguments, strict=False):
                if parameter in roles and (name := _constant(given)):
                    yield name, roles[parameter]
        case _:
            pass


def _passed(parameters: tuple[Parameter, ...]) -> list[str]:
    """The parameters that have an argument in a captured call, in their order."""
    return [item.name for item in parameters if item.passing is not Passing.OUT]


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
