"""An internal error as its user meets it: what to do, and a file instead of a traceback."""

import platform
import sys
import tempfile
import traceback
from importlib.metadata import version

from dirql.model.visible import visible


def report_internal_error(error: BaseException) -> str:
    """Store the traceback of `error` in a file; returns what to tell the user."""
    text = (
        f"dirql {version('dirql')}, Python {sys.version}, {platform.platform()}\n"
        f"arguments: {sys.argv[1:]}\n\n" + "".join(traceback.format_exception(error))
    )
    try:
        with tempfile.NamedTemporaryFile(
            "w",
            prefix="dirql-error-",
            suffix=".log",
            delete=False,
            encoding="utf-8",
            errors="backslashreplace",
        ) as log:
            log.write(visible(text))
    except OSError as problem:
        where = f"these lines (no file could be written: {problem.strerror}):\n{text}"
    else:
        where = f"the file {log.name}"
    summary = str(error).partition("\n")[0]
    return (
        f"dirql: internal error: {type(error).__name__}: {summary}\n"
        f"This is a defect of dirql, not of your pattern. Please report it to the project with\n"
        f"the pattern and {where}"
    )
