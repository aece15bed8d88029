"""Traces as JSON, both ways: `{"format": "dirql-trace", "version": 1, "trace": {...}}`.

Decoding is strict. A trace is a claim about a machine, and a field that was dropped, renamed or
added by hand would make it a claim about something else.
"""

from dataclasses import dataclass
from typing import Any, cast

import msgspec

from .trace import TRACE_VERSION, Trace

_FORMAT = "dirql-trace"


class TraceFormatError(ValueError):
    """A text that is not a trace, or one of a version this dirql does not know."""


@dataclass(frozen=True, slots=True)
class _Document:
    format: str
    version: int
    trace: Trace


def encode(trace: Trace) -> str:
    """`trace` as JSON text, with a final line end; equal traces give equal text."""
    document = _Document(_FORMAT, TRACE_VERSION, trace)
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode() + "\n"


def decode(text: str | bytes) -> Trace:
    """The trace that `encode` wrote as `text`.

    Raises:
        TraceFormatError: the text is damaged, of another version, or not a trace at all.
    """
    try:
        raw: Any = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise TraceFormatError(
            f"not JSON ({error}): the file is damaged, or not a trace"
        ) from error
    _check_version(raw)
    try:
        document = msgspec.convert(raw, _Document)
    except msgspec.ValidationError as error:
        raise TraceFormatError(
            f"the trace is damaged: {error}; write it again with `dirql check`"
        ) from error
    if msgspec.json.decode(msgspec.json.encode(document)) != raw:
        raise TraceFormatError(
            "the trace has fields that this version does not write, or lacks some that it does; "
            "write it again with `dirql check`"
        )
    return document.trace


def _check_version(raw: object) -> None:
    """Look at the version alone: a trace of another one may differ in everything else."""
    found = cast("dict[str, object]", raw) if isinstance(raw, dict) else {}
    if found.get("format") != _FORMAT:
        raise TraceFormatError(f"not a trace: there is no format {_FORMAT!r} in it")
    if found.get("version") != TRACE_VERSION:
        raise TraceFormatError(
            f"the trace has version {found.get('version')!r} and this dirql reads {TRACE_VERSION}; "
            "write it again with `dirql check`"
        )
