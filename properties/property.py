"""What a property is: a function of a compiled driver, and a page of documentation."""

import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from enum import Enum
from typing import TypeAlias

from dirql.model.grade import Grade
from dirql.model.machine import Invariant, Progress
from dirql.model.system import System

Conditions: TypeAlias = tuple[Invariant | Progress, ...]
"""What a property adds to a machine. A rule adds nothing: the kernel model places its checks."""


class Kind(Enum):
    """How a property speaks: of a step, of states, of what can still happen, of two steps."""

    RULE = "rule"
    """A check on steps, placed by the kernel rule of the routine that states it."""
    INVARIANT = "invariant"
    """Holds in every reachable state."""
    QUIESCENT = "quiescent"
    """Holds in every reachable state in which nothing is owed any more."""
    PROGRESS = "progress"
    """From every reachable state something good can still happen."""
    RACE = "race"
    """No two contexts can touch one location next in a way that conflicts."""


@dataclass(frozen=True, slots=True)
class Property:
    """A named property.

    Attributes:
        kind: how it speaks.
        function: gives its conditions; its docstring is the property's page.
        grade: what a free build of Windows does where it is broken.
    """

    kind: Kind
    function: Callable[[System], Conditions]
    grade: Grade = Grade.CRASH

    @property
    def name(self) -> str:
        """The one name used everywhere: the function's, in kebab-case."""
        return self.function.__name__.replace("_", "-")

    @property
    def page(self) -> str:
        """The whole page: summary, what it checks, why, example, fix, references."""
        return inspect.getdoc(self.function) or ""

    @property
    def summary(self) -> str:
        """The first sentence of the page."""
        return self.page.partition("\n")[0]


class UnknownPropertyError(ValueError):
    """A name that no property has. `closest` lists the names that look like it."""

    def __init__(self, name: str, known: Iterable[str]) -> None:
        """Say which `name` is unknown and which of the `known` ones may have been meant."""
        listed = sorted(known)
        self.name = name
        self.closest = tuple(get_close_matches(name, listed, n=3))
        meant = f"; did you mean {' or '.join(self.closest)}?" if self.closest else ""
        super().__init__(f"there is no property called {name!r}{meant} Known: {', '.join(listed)}")
