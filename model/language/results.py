"""Results of routines: where one is used, there must be one, whatever way the routine took.

C compilers warn of a way without a result (C4715) and refuse one that is used where there is none.
"""

import ast
from collections.abc import Sequence

from ..machine import Source
from .errors import STATEMENT
from .frame import Frame
from .source import SourceFile


def refuse_missing_results(frames: Sequence[Frame], source: SourceFile) -> None:
    """Check the results of all captured routines.

    Raises:
        PatternError: a routine gives a result on some of its ways only, or gives none and its
            caller uses it.
    """
    without = without_result(frames)
    for frame in frames:
        routine = frame.subject.node
        end = frame.graph.ends_without_result()
        if end is not None and frame.subject.name not in without:
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


def without_result(frames: Sequence[Frame]) -> set[str]:
    """The routines that may end and never give a result."""
    return {
        frame.subject.name
        for frame in frames
        if frame.graph.ends_without_result() is not None
        and not any(
            isinstance(item, ast.Return) and item.value for item in ast.walk(frame.subject.node)
        )
    }


def _without(end: Source, routine: ast.FunctionDef) -> str:
    if end.line == routine.lineno:
        return "may run past its last line without one"
    return "may end here without one"
