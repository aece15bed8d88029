"""Traces as JSON, both ways: `{"format": "dirql-trace", "version": 1, "trace": {...}}`.

Decoding is strict. A trace is a claim about a machine, and a field that was dropped, renamed or
added by hand would make it a claim about something else.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias, cast

import msgspec

from .trace import TRACE_VERSION, Trace

_FORMAT = "dirql-trace"


_Raw: TypeAlias = Mapping[str, Any]
"""A document as JSON has it."""


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
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise TraceFormatError(
            f"not JSON ({error}): the file is damaged, or not a trace"
        ) from error
    _check_version(raw)
    try:
        document = msgspec.convert(raw, _Document)
    except msgspec.ValidationError as error:
        raise TraceFormatError(
            f"the trace is damaged{_step_named_in(str(error))}: {error}; "
            "write it again with `dirql check`"
        ) from error
    written = msgspec.json.decode(msgspec.json.encode(document))
    if written != raw:
        raise TraceFormatError(
            f"the trace{_step_that_differs(raw, written)} has fields that this version does not "
            "write, or lacks some that it does; write it again with `dirql check`"
        )
    return document.trace


def _step_named_in(complaint: str) -> str:
    """` at step 3`, if the complaint is about a part of a step."""
    found = re.search(r"\$\.trace\.steps\[(\d+)\]", complaint)
    return f" at step {int(found[1]) + 1}" if found else ""


def _step_that_differs(raw: _Raw, written: _Raw) -> str:
    """` at step 3`, if the first difference is there."""
    outside = [{**whole, "trace": {**whole["trace"], "steps": None}} for whole in (raw, written)]
    if outside[0] != outside[1]:
        return ""
    pairs = zip(raw["trace"]["steps"], written["trace"]["steps"], strict=True)
    number = next(number for number, (one, other) in enumerate(pairs, start=1) if one != other)
    return f" at step {number}"


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
