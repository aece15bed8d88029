"""The file of a trace: the trace itself, and what is needed to build its machine again."""

import codecs
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import msgspec

from dirql.explorer.trace import Trace
from dirql.model.regular import read_regular
from dirql.model.visible import one_line

from .arguments import MOST_PROCESSORS
from .printing import escaped_json
from .toolbox import InputError

FILE_VERSION = 1
"""Version of what stands around the trace; the trace has a version of its own."""

AGAIN = "\n      hint: check the pattern again with --trace; it writes a new file"
"""What to do about a file that says what no dirql writes."""

MOST_BYTES = 2**28


@dataclass(frozen=True, slots=True)
class StoredTrace:
    """A trace and what was checked.

    `pattern` is the path from the folder of the trace, so that it leads there from any folder;
    `properties` is `None` where all were.
    """

    pattern: str
    scenario: str
    processors: int
    knobs: dict[str, str]
    properties: tuple[str, ...] | None
    trace: Trace


class _Envelope(msgspec.Struct, forbid_unknown_fields=True):
    """The JSON object of the file."""

    dirql_trace_file: int
    pattern: str
    scenario: str
    processors: int
    knobs: dict[str, str]
    properties: list[str] | None
    trace: msgspec.Raw


def write(path: Path, stored: StoredTrace) -> None:
    """Write the file.

    Raises:
        OSError: it cannot be written.
    """
    from dirql.explorer.trace_json import encode

    envelope = _Envelope(
        dirql_trace_file=FILE_VERSION,
        pattern=stored.pattern,
        scenario=stored.scenario,
        processors=stored.processors,
        knobs=stored.knobs,
        properties=None if stored.properties is None else list(stored.properties),
        trace=msgspec.Raw(_utf8(encode(stored.trace))),
    )
    text = msgspec.json.format(msgspec.json.encode(envelope), indent=1).decode()
    path.write_bytes(escaped_json(text).encode() + b"\n")


def seen_from(folder: Path, pattern: str) -> str:
    """The way from `folder` to the pattern; its whole path where there is none (another drive).

    What of a name is not UTF-8 is written as escapes, for there is no other way to write it.
    """
    whole = Path(pattern).resolve()
    try:
        return one_line(Path(os.path.relpath(whole, folder.resolve())).as_posix())
    except ValueError:
        return one_line(str(whole))


def leads_to_it(folder: Path, pattern: str) -> bool:
    """Whether a trace in `folder` finds the pattern by itself: it lies there, or further down."""
    whole = Path(pattern).resolve()
    return whole.is_relative_to(folder.resolve()) and one_line(str(whole)) == str(whole)


def read(path: Path) -> StoredTrace:
    """Read the file.

    Raises:
        InputError: it cannot be read, is damaged, of another version, or no trace file at all.
    """
    from dirql.explorer.trace_json import TraceFormatError, decode

    shown = one_line(str(path))
    try:
        content = read_regular(path, MOST_BYTES).removeprefix(codecs.BOM_UTF8)
    except OSError as error:
        raise InputError(f"{shown}: the trace cannot be read: {error.strerror}") from error
    _check_beginning(shown, content)
    try:
        envelope = msgspec.json.decode(content, type=_Envelope)
        trace = decode(bytes(envelope.trace))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, TraceFormatError) as error:
        raise InputError(f"{shown}: a damaged trace file: {error}") from error
    _check_values(shown, envelope)
    return StoredTrace(
        envelope.pattern,
        envelope.scenario,
        envelope.processors,
        envelope.knobs,
        None if envelope.properties is None else tuple(envelope.properties),
        trace,
    )


def _check_values(path: str, envelope: _Envelope) -> None:
    """Hold what the file asks for to what the command line would take."""
    from dirql.model.kernel.knobs import KnobError, make_knobs
    from dirql.properties import PROPERTIES

    try:
        make_knobs(envelope.knobs)
    except KnobError as error:
        raise InputError(f"{path}: {error}.{AGAIN}") from error
    known = {item.name for item in PROPERTIES}
    if envelope.properties is not None and not envelope.properties:
        raise InputError(f"{path}: it names no properties; null would mean all.{AGAIN}")
    for name in envelope.properties or ():
        if name not in known:
            raise InputError(f"{path}: there is no property {name!r}.{AGAIN}")


def _check_beginning(path: str, content: bytes) -> None:
    """Look at the version first, as a file of another one may differ in everything else.

    Then at the processors: time and memory for compiling grow with them.
    """
    try:
        whole: object = json.loads(content)
    except (ValueError, RecursionError):
        whole = None
    fields = cast("dict[str, object]", whole) if isinstance(whole, dict) else {}
    version = fields.get("dirql_trace_file")
    if version is None:
        raise InputError(f"{path}: not a trace file of dirql. dirql check --trace FILE writes one.")
    if version != FILE_VERSION:
        raise InputError(
            f"{path}: a trace file of version {version}; this dirql reads version "
            f"{FILE_VERSION}. Check the pattern again with --trace."
        )
    number = fields.get("processors", 1)
    if type(number) is not int or not 1 <= number <= MOST_PROCESSORS:
        said = json.dumps(number)[:40]
        raise InputError(f"{path}: processors must be 1 to {MOST_PROCESSORS}, not {said}.{AGAIN}")


def _utf8(text: str | bytes) -> bytes:
    return text.encode() if isinstance(text, str) else text
