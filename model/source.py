"""Where a step comes from, as part of the contract in `machine.py`."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Source:
    """Where a step comes from; `macro` is the macro that the text was expanded from."""

    file: str = ""
    line: int = 0
    routine: str = ""
    text: str = ""
    macro: str = ""


@dataclass(frozen=True, slots=True)
class Choice:
    """A decision within a step that the state leaves open: who makes it, and for what.

    `unknown` names the value that nobody knows; empty where the step may go either way. `source` is
    where it is drawn.
    """

    value: str
    unknown: str = ""
    source: Source = field(default_factory=Source)

    @property
    def text(self) -> str:
        """The assumption in words, with the place where it is made."""
        place = f" at {self.source.file.rpartition('/')[2]}:{self.source.line}"
        return f"{self.unknown} = {self.value}{place if self.source.line else ''}"
