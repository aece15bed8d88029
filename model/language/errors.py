"""What is wrong with a pattern, and what to write instead.

Every complaint about a pattern file is a `PatternError` with a stable code:

====== ===========================================================================
DQ101  the file cannot be read
DQ102  it is not Python
DQ103  its module level fails
DQ104  an import in it failed
DQ105  no driver in it
DQ106  more than one driver in it
DQ107  no scenario in it
DQ108  a declaration is wrong
DQ109  something at the module level that would have to run
DQ110  a statement outside the driver language
DQ111  an expression outside the driver language
DQ112  an unknown name
DQ113  an unknown field
DQ114  wrong arguments of a call
DQ115  an assignment to something that cannot be assigned
DQ116  a side effect where only looking is allowed
DQ117  recursion
DQ118  numbers and objects mixed
DQ119  a local that may be read before it has a value
DQ120  a wrong scenario
DQ121  a wrong expectation
DQ122  a value that C would not convert without a warning
====== ===========================================================================
"""

from dataclasses import dataclass

from ..visible import one_line, visible, width

LONGEST_LINE = 300
"""Letters of a line that are shown."""

UNREADABLE = "DQ101"
NOT_PYTHON = "DQ102"
MODULE_FAILED = "DQ103"
IMPORT_FAILED = "DQ104"
NO_DRIVER = "DQ105"
TWO_DRIVERS = "DQ106"
NO_SCENARIO = "DQ107"
DECLARATION = "DQ108"
NOT_READ = "DQ109"
STATEMENT = "DQ110"
EXPRESSION = "DQ111"
UNKNOWN_NAME = "DQ112"
UNKNOWN_FIELD = "DQ113"
ARGUMENTS = "DQ114"
ASSIGNMENT = "DQ115"
SIDE_EFFECT = "DQ116"
RECURSION = "DQ117"
MIXED_KINDS = "DQ118"
UNASSIGNED = "DQ119"
SCENARIO = "DQ120"
EXPECTATION = "DQ121"
CONVERSION = "DQ122"


@dataclass(eq=False)
class PatternError(Exception):
    """A pattern that cannot be understood, with the place and a way out.

    Attributes:
        message: what is wrong, one sentence without a full stop at the end.
        file: the pattern's path as the caller gave it.
        line: the line counted from 1, or 0 where the whole file is meant.
        column: the column counted from 1, or 0 where the whole line is meant.
        text: that line of the file.
        hint: the likely cause and what to write instead.
        code: the stable code of this kind of error, for example `DQ112`.
    """

    message: str
    file: str = ""
    line: int = 0
    column: int = 0
    text: str = ""
    hint: str = ""
    code: str = ""

    def __str__(self) -> str:
        """The error as a person reads it: place, message, line, caret, hint.

        What cannot be seen of the pattern is shown as escapes, and the caret allows for them.
        """
        numbers = (str(part) for part in (self.line, self.column) if part)
        place = ":".join((one_line(self.file), *numbers) if self.file else numbers)
        shown = [f"{place}: {self.code} {one_line(self.message)}"]
        if self.text.strip():
            number = f"{self.line:>5}"
            text, column = _around(self.text.rstrip(), self.column)
            shown.append(f"{number} | {visible(text)}")
            if self.column:
                parts = visible(text[: column - 1]).split("\t")
                blank = "\t".join(" " * width(part) for part in parts)
                shown.append(f"{' ' * len(number)} | {blank}^")
        if self.hint:
            shown.append(f"      hint: {visible(self.hint)}")
        return "\n".join(shown)


def _around(text: str, column: int) -> tuple[str, int]:
    """The part of a long line that is shown, and the column in it."""
    if len(text) <= LONGEST_LINE:
        return text, column
    first = max(0, column - LONGEST_LINE // 2)
    part = text[first : first + LONGEST_LINE]
    before = "..." if first else ""
    after = "..." if first + LONGEST_LINE < len(text) else ""
    return f"{before}{part}{after}", column - first + len(before)


@dataclass(eq=False)
class MisuseError(Exception):
    """A declaration or scenario written wrongly, found while the pattern's module level runs.

    It knows no place; the loader finds the line that was running and makes a `PatternError` of it.
    """

    message: str
    hint: str = ""
    code: str = DECLARATION

    def __str__(self) -> str:
        """The message alone."""
        return self.message
