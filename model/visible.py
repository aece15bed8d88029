"""Text of strangers made visible: nothing in it can move a cursor, turn a line round or hide.

A pattern or a trace comes from somebody else. A control character in it could clear the screen or
write another verdict over ours, and a bidirectional one shows a text that is not the one checked.
"""

import re
import unicodedata

_UNSEEN = (
    "\x00-\x08\x0b-\x1f\x7f-\x9f"  # controls but for tab and line feed, and those of ISO 6429
    "\xad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u180e"
    "\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0001\U000e0020-\U000e007f\ud800-\udfff"
)
"""Characters of the categories Cc, Cf, Cs, Zl and Zp of Unicode."""

UNSEEN = re.compile(f"[{_UNSEEN}]")
_UNSEEN_IN_A_LINE = re.compile(f"[\t\n{_UNSEEN}]")
_SHORT = {"\t": "\\t", "\n": "\\n", "\r": "\\r"}
_BYTES = range(0xDC80, 0xDD00)
"""What Python makes of bytes in a file name that are not UTF-8."""


def visible(text: str) -> str:
    """`text` with escapes for what cannot be seen; line ends and tabs stay.

    What it returns is returned unchanged by a second call.
    """
    return text if text.isascii() and text.isprintable() else UNSEEN.sub(_escaped, text)


def one_line(text: str) -> str:
    """`visible(text)`, with escapes also for line ends and tabs: a name cannot begin a line."""
    return text if text.isprintable() else _UNSEEN_IN_A_LINE.sub(_escaped, text)


def width(text: str) -> int:
    """The columns that `text`, which is visible, takes on a terminal."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(letter) else 1 + (unicodedata.east_asian_width(letter) in "WF")
        for letter in text
    )


def _escaped(found: re.Match[str]) -> str:
    letter = found[0]
    number = ord(letter)
    if letter in _SHORT:
        return _SHORT[letter]
    if number in _BYTES:
        return f"\\x{number - 0xDC00:02x}"
    if number < 0x100:
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"
