"""Complaints of the compiler: what the language allows but the kernel model cannot take."""

from ..language.errors import PatternError
from ..machine import Source

COMPILATION = "DQ201"
NEVER_CONNECTS = "DQ202"
TOO_WIDE = "DQ203"


class CompileError(Exception):
    """Raised inside the compiler; `at` gives it the file, line and text."""

    def __init__(
        self, message: str, source: Source, hint: str = "", code: str = COMPILATION
    ) -> None:
        """`message` says what is wrong at `source`, `hint` what to write instead."""
        super().__init__(message)
        self.source = source
        self.hint = hint
        self.code = code

    def as_pattern_error(self) -> PatternError:
        """The complaint as users see it."""
        at = self.source
        return PatternError(str(self), at.file, at.line, 0, at.text, self.hint, self.code)
