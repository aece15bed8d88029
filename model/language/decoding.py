"""From the bytes of a pattern file to its text, as Python itself would decode them."""

import codecs
import re
from dataclasses import replace

from .errors import NOT_PYTHON, UNREADABLE, PatternError

_ASCII = bytes(range(128))
_KNOWN = re.compile(
    r"utf-8(-sig)?|ascii|iso8859-\d+|cp\d+|koi8-\w|gb\w+|big5|shift_jis|euc_(jp|kr)|mac-\w+"
)
"""Encodings that editors save in. Those with escapes of their own are none: what such a file means
would not be what an editor shows."""
_COOKIE = re.compile(rb"^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)")
"""PEP 263: how a comment in the first or second line names the encoding."""
_BLANK = re.compile(rb"^[ \t\f]*(?:#.*)?$")

_WIDE = (
    (codecs.BOM_UTF32_LE, "UTF-32"),
    (codecs.BOM_UTF32_BE, "UTF-32"),
    (codecs.BOM_UTF16_LE, "UTF-16"),
    (codecs.BOM_UTF16_BE, "UTF-16"),
)
"""Byte order marks; that of UTF-32 begins like that of UTF-16."""
_MANY = 0.3
"""The part of the bytes that are zero, from which a text is probably UTF-16."""


def decoded(content: bytes, path: str) -> str:
    """The text, its line ends made one character, without a byte order mark.

    Raises:
        PatternError: it is in another encoding than UTF-8 or what its first lines say, or no text.
    """
    text = _text(content, path).replace("\r\n", "\n").replace("\r", "\n")
    if "\0" in text:
        number = text[: text.index("\0")].count("\n") + 1
        line = text.split("\n")[number - 1]
        message = "this is not Python: there is a zero byte, which no text has"
        raise replace(_error(message, path, number, line), code=NOT_PYTHON)
    return text


def _text(content: bytes, path: str) -> str:
    marked = content.startswith(codecs.BOM_UTF8)
    for mark, name in _WIDE:
        if content.startswith(mark):
            raise _error(f"the file is {name} text, not UTF-8", path)
    if content and content.count(0) > _MANY * len(content):
        raise _error("the file looks like UTF-16 text, not UTF-8", path)
    encoding = _declared(content.removeprefix(codecs.BOM_UTF8), path) or "utf-8"
    if marked and encoding != "utf-8":
        message = f"the file begins as UTF-8 (with a byte order mark) and says it is {encoding}"
        raise _error(message, path, 1)
    try:
        return content.removeprefix(codecs.BOM_UTF8).decode(encoding)
    except UnicodeDecodeError as problem:
        number = content[: problem.start].count(b"\n") + 1
        shown = "UTF-8" if encoding == "utf-8" else encoding
        raise _error(f"the file is not {shown} text (byte {problem.start})", path, number) from None


def _declared(content: bytes, path: str) -> str:
    """The encoding that one of the first two lines names, in its usual spelling, if one does."""
    for number, line in enumerate(content.splitlines()[:2], 1):
        found = _COOKIE.match(line)
        if found:
            name = found[1].decode("ascii", "replace")
            return _usual(name, path, number)
        if not _BLANK.match(line):
            return ""
    return ""


def _usual(name: str, path: str, line: int) -> str:
    """The usual name of an encoding, in which what looks like ASCII is ASCII."""
    try:
        usual = codecs.lookup(name).name
        known = bool(_KNOWN.fullmatch(usual)) and _ASCII.decode(name) == _ASCII.decode("ascii")
    except (LookupError, ValueError):
        usual, known = name, False
    if not known:
        raise _error(f"the file says that its encoding is {name}", path, line)
    return "utf-8" if usual in ("utf-8", "utf-8-sig", "ascii") else usual


def _error(message: str, path: str, line: int = 0, text: str = "") -> PatternError:
    hint = "a pattern is a Python file; save it as UTF-8"
    return PatternError(message, path, line, text=text, hint=hint, code=UNREADABLE)
