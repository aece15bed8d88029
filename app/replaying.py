"""`dirql replay`: execute a stored trace again on the machine of its pattern, and show it."""

from pathlib import Path, PurePosixPath, PureWindowsPath

from dirql.model.visible import one_line

from . import toolbox
from .answers import prepare
from .arguments import quoted
from .hang import standstill
from .questions import Options, Question, forget_patterns
from .report import count
from .toolbox import InputError
from .trace_file import StoredTrace, read
from .trace_text import Style, prose, render


def replay(file: Path, pattern: Path | None, style: Style, *, run_module: bool = False) -> str:
    """The text of the trace in `file`, after it was executed again step by step.

    `pattern` replaces the path stored in the file; with `run_module` its module level runs.

    Raises:
        InputError: the file or its pattern cannot be used, the pattern has changed, or the
            trace is not a behaviour that ends in its violation.
    """
    stored = read(file)
    found = pattern or _find_pattern(stored, file)
    shown = one_line(str(found))
    forget_patterns()
    question = Question(
        str(found),
        stored.scenario,
        stored.processors,
        Options(
            properties=stored.properties or (),
            knobs=tuple(stored.knobs.items()),
            run_module=run_module,
        ),
    )
    try:
        subject = prepare(question)
    except InputError as problem:
        raise InputError(f"{file}: its pattern cannot be used: {problem}") from problem
    machine = subject.machine
    if toolbox.digest(machine) != stored.trace.digest:
        raise InputError(
            f"{one_line(str(file))}: the trace does not belong to {shown} as it is now: "
            "the pattern, or dirql, has changed since the trace was stored (the digests differ).\n"
            f"      hint: check the pattern again: dirql check {quoted(found)} "
            f"--trace {quoted(file)}"
        )
    try:
        trace = toolbox.verify(machine, stored.trace)
    except InputError as problem:
        raise InputError(f"{file}: {problem}") from problem
    title = (
        f"{shown}  {one_line(stored.scenario)}  {count(stored.processors, 'processor')}  "
        f"replayed: {trace.violation.property}, after {count(len(trace.steps), 'step')}"
    )
    end = prose(standstill(subject.system, machine, trace).told, style)
    return "\n".join((title, "", render(trace, style), *end))


def _find_pattern(stored: StoredTrace, file: Path) -> Path:
    """The pattern's file, in the folder of the trace: a trace does not choose what is read.

    Raises:
        InputError: the file is elsewhere, or is not there.
    """
    named, windows = PurePosixPath(stored.pattern), PureWindowsPath(stored.pattern)
    climbs = named.is_absolute() or bool(windows.anchor) or ".." in (*named.parts, *windows.parts)
    for way in (named.name,) if climbs else (stored.pattern, named.name):
        if _lies_in(file.parent, way):
            return file.parent / way
    where = "outside the folder of the trace" if climbs else "not in the folder of the trace"
    raise InputError(
        f"{one_line(str(file))}: its pattern {one_line(stored.pattern)} is {where}, "
        "and nothing else is opened because a trace names it.\n"
        f"      hint: say where it is: dirql replay {quoted(file)} --pattern PATH"
    )


def _lies_in(folder: Path, way: str) -> bool:
    """Whether there is a file at `way` that is in `folder` also when links are followed."""
    try:
        found = (folder / way).resolve()
        return found.is_relative_to(folder.resolve()) and found.is_file()
    except (OSError, ValueError):
        return False
