"""Results of routines: where one is used, there must be one, whatever way the routine took.

C compilers warn of a way without a result (C4715) and refuse one that is used where there is none.
"""

import ast
from collections.abc import Iterator, Sequence

from ..machine import Source
from .errors import STATEMENT
from .frame import Frame
from .source import SourceFile


def refuse_missing_results(frames: Sequence[Frame], source: SourceFile) -> None:
    """Check the results of all captured routines.

    Raises:
        PatternError: a routine gives a result on some of its ways only, or gives none and its
            caller uses it, or Windows does.
    """
    without: set[str] = set()
    for frame in frames:
        routine = frame.subject.node
        end = frame.graph.ends_without_result()
        if end is None:
            continue
        if not any(isinstance(item, ast.Return) and item.value for item in ast.walk(routine)):
            without.add(frame.subject.name)
        else:
            raise source.error_at_line(
                STATEMENT,
                f"`{routine.name}` gives a result on some ways, and {_without(end, routine)}",
                end.line,
                "write return with a value on every way, or on none",
            )
    for frame in frames:
        for site in frame.calls:
            if site.used and site.callee in without:
                raise source.error(
                    STATEMENT,
                    f"`{site.callee}` gives no result, and one is used here",
                    site.node,
                    f"write return with a value in {site.callee}",
                )
        for node in _asked(frame.subject.node):
            if node.attr in without:
                raise source.error(
                    STATEMENT,
                    f"`{node.attr}` gives no result, and KeSynchronizeExecution hands it on here",
                    node,
                    f"write return with a value in {node.attr}",
                )
        for node in _service_routines(frame.subject.node):
            if node.attr in without:
                raise source.error(
                    STATEMENT,
                    f"`{node.attr}` is to be a service routine, and does not say whether it served",
                    node,
                    f"return TRUE where {node.attr} served its device, else FALSE",
                )


def _without(end: Source, routine: ast.FunctionDef) -> str:
    if end.line == routine.lineno:
        return "may run past its last line without one"
    return "may end here without one"


def _asked(routine: ast.FunctionDef) -> Iterator[ast.Attribute]:
    """The synchronised routines whose result is used."""
    alone = {item.value for item in ast.walk(routine) if isinstance(item, ast.Expr)}
    for item in ast.walk(routine):
        match item:
            case ast.Call(
                func=ast.Name(id="KeSynchronizeExecution"), args=[_, ast.Attribute() as given, *_]
            ) if item not in alone:
                yield given
            case _:
                pass


def _service_routines(routine: ast.FunctionDef) -> Iterator[ast.Attribute]:
    """The routines that a routine connects: `self.Isr` as an argument or in a structure."""
    for item in ast.walk(routine):
        match item:
            case ast.Call(
                func=ast.Name(id="IoConnectInterrupt"), args=[_, ast.Attribute() as given, *_]
            ):
                yield given
            case ast.keyword(arg="ServiceRoutine", value=ast.Attribute() as given):
                yield given
            case ast.Assign(
                targets=[ast.Attribute(attr="ServiceRoutine")], value=ast.Attribute() as given
            ):
                yield given
            case _:
                pass
