"""Complaints of the compiler: what the language allows but the kernel model cannot take.

====== ===========================================================================
DQ301  a call or a use of an object that the kernel model cannot give a meaning to
DQ302  a driver with an interrupt line that never connects a service routine
DQ303  a local whose range cannot be computed
====== ===========================================================================
"""

import linecache
import re

from ..language.errors import PatternError
from ..machine import Source

COMPILATION = "DQ301"
NEVER_CONNECTS = "DQ302"
TOO_WIDE = "DQ303"

_NAME = re.compile(r"\w*[A-Z_]\w*")
"""Words of a message that may stand in the driver's line as well: names are no plain words."""


class CompileError(Exception):
    """Raised inside the compiler; `source` gives it the file, line and text."""

    def __init__(
        self,
        message: str,
        source: Source,
        hint: str,
        code: str = COMPILATION,
        word: str = "",
    ) -> None:
        """`message` says what is wrong at `source`, `hint` what to write instead.

        `word` is what the caret points at; empty for the first name of the message that the line
        has.
        """
        super().__init__(message)
        self.source = source
        self.hint = hint
        self.code = code
        self.word = word

    def as_pattern_error(self, otherwise: Source) -> PatternError:
        """The complaint as users see it: with the whole line, where the file still has it.

        `otherwise` is the place of a complaint about something that the kernel does by itself.
        """
        at = self.source if self.source.line else otherwise
        linecache.checkcache(at.file)
        text = linecache.getline(at.file, at.line).rstrip("\r\n") if at.line else ""
        text = text or at.text
        column = self._column(text) if text.strip() else 0
        return PatternError(str(self), at.file, at.line, column, text, self.hint, self.code)

    def _column(self, text: str) -> int:
        """Where the caret goes: to a named argument, else to the first name mentioned."""
        names = [self.word] if self.word else [item[0] for item in _NAME.finditer(str(self))]
        for shape in (r"\b{}\s*=(?!=)", r"\b{}\b"):
            for name in names:
                found = re.search(shape.format(re.escape(name)), text)
                if found:
                    return found.start() + 1
        return len(text) - len(text.lstrip()) + 1
