"""`dirql replay`: execute a stored trace again on the machine of its pattern, and show it."""

import os
from pathlib import Path

from . import toolbox
from .answers import prepare
from .arguments import quoted
from .hang import standstill
from .questions import Options, Question, forget_patterns
from .report import count
from .toolbox import InputError
from .trace_file import StoredTrace, read
from .trace_text import Style, prose, render


def replay(file: Path, pattern: Path | None, style: Style) -> str:
    """The text of the trace in `file`, after it was executed again step by step.

    `pattern` replaces the path stored in the file.

    Raises:
        InputError: the file or its pattern cannot be used, the pattern has changed, or the
            trace is not a behaviour that ends in its violation.
    """
    stored = read(file)
    found = pattern or _find_pattern(stored, file)
    forget_patterns()
    question = Question(
        str(found),
        stored.scenario,
        stored.processors,
        Options(properties=stored.properties or (), knobs=tuple(stored.knobs.items())),
    )
    try:
        subject = prepare(question)
    except InputError as problem:
        raise InputError(f"{file}: its pattern cannot be used: {problem}") from problem
    machine = subject.machine
    if toolbox.digest(machine) != stored.trace.digest:
        raise InputError(
            f"{file}: the trace does not belong to {found} as it is now: the pattern, or dirql, "
            f"has changed since the trace was stored (the digests differ).\n"
            f"      hint: check the pattern again: dirql check {quoted(found)} "
            f"--trace {quoted(file)}"
        )
    try:
        trace = toolbox.verify(machine, stored.trace)
    except InputError as problem:
        raise InputError(f"{file}: {problem}") from problem
    title = (
        f"{found}  {stored.scenario}  {count(stored.processors, 'processor')}  "
        f"replayed: {trace.violation.property}, after {count(len(trace.steps), 'step')}"
    )
    end = prose(standstill(subject.system, machine, trace), style)
    return "\n".join((title, "", render(trace, style), *end))


def _find_pattern(stored: StoredTrace, file: Path) -> Path:
    """The pattern's file: where it was as seen from the trace or from here, or beside the trace."""
    candidates = (
        Path(os.path.normpath(file.parent / stored.pattern)),
        Path(stored.pattern),
        file.parent / Path(stored.pattern).name,
    )
    for candidate in candidates:
        if candidate.is_file():
            return candidate
    raise InputError(
        f"{file}: its pattern {stored.pattern} is not there.\n"
        f"      hint: say where it is now: dirql replay {quoted(file)} --pattern PATH"
    )
