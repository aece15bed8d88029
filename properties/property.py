"""What a property is: a function of a compiled driver, and a page of documentation."""

import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from enum import Enum
from typing import TypeAlias

from dirql.model.algebra import negation
from dirql.model.expr import Expression
from dirql.model.grade import Grade
from dirql.model.machine import Invariant, Machine, Progress
from dirql.model.system import System


@dataclass(frozen=True, slots=True)
class AtRest:
    """`wrong` is true in no state at rest, and no driver escapes that by never coming to rest.

    A condition on states at rest says nothing of a driver that is never at rest, so nobody states
    one alone. `conditions` makes two of it: the quiescent invariant, and that from every state
    where `wrong` is true a state at rest can be reached, or one where the matter is `settled`.

    Attributes:
        property: the name of the property.
        wrong: what must not be so at rest.
        settled: what settles the matter although the driver never comes to rest; mostly that
            `wrong` is no longer true, `FALSE` if nothing does.
        detail: one sentence saying what is wrong in a state at rest.
        restless: the same where the driver never comes to rest.
        bug_check: as in `Invariant`.
        owed: whether only what the driver owes leads to rest, and no event of a device.
    """

    property: str
    wrong: Expression
    settled: Expression
    detail: str
    restless: str
    bug_check: str = ""
    owed: bool = False

    def conditions(self, machine: Machine) -> tuple[Invariant | Progress, ...]:
        """Both conditions. A machine without contexts has no steps: its states are at rest."""
        rest = Invariant(
            self.property, negation(self.wrong), self.detail, self.bug_check, quiescent=True
        )
        ways = tuple(
            Progress(
                self.property,
                context.name,
                self.wrong,
                self.settled,
                self.restless,
                self.bug_check,
                quiescent=True,
                owed=self.owed,
            )
            for context in machine.contexts[-1:]  # hardware, which every compiled driver has
        )
        return (rest, *ways)


Conditions: TypeAlias = tuple[Invariant | Progress | AtRest, ...]
"""What a property adds to a machine. A rule adds nothing: the kernel model places its checks.

An `Invariant` of a property is not quiescent: what is asked at rest is stated as `AtRest`.
"""


class Kind(Enum):
    """How a property speaks: of a step, of states, of what can still happen, of two steps."""

    RULE = "rule"
    """A check on steps, placed by the kernel rule of the routine that states it."""
    INVARIANT = "invariant"
    """Holds in every reachable state."""
    QUIESCENT = "quiescent"
    """Holds in every reachable state in which nothing is owed any more, and such can be reached."""
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

    def conditions(self, system: System) -> tuple[Invariant | Progress, ...]:
        """What the property adds to the machine of `system`.

        Raises:
            AloneAtRestError: a condition on states at rest comes without its companion.
        """
        found: list[Invariant | Progress] = []
        for item in self.function(system):
            if isinstance(item, AtRest):
                found += item.conditions(system.machine)
            elif isinstance(item, Invariant) and item.quiescent:
                raise AloneAtRestError(self.name)
            else:
                found.append(item)
        return tuple(found)

    @property
    def page(self) -> str:
        """The whole page: summary, what it checks, why, example, fix, references."""
        return inspect.getdoc(self.function) or ""

    @property
    def summary(self) -> str:
        """The first sentence of the page."""
        return self.page.partition("\n")[0]


class AloneAtRestError(TypeError):
    """A property states a quiescent invariant by itself."""

    def __init__(self, name: str) -> None:
        """Say which property, and what to write instead."""
        super().__init__(
            f"{name} states a quiescent invariant, which is true of every driver that never comes "
            "to rest; state it as AtRest"
        )


class UnknownPropertyError(ValueError):
    """A name that no property has. `closest` lists the names that look like it."""

    def __init__(self, name: str, known: Iterable[str]) -> None:
        """Say which `name` is unknown and which of the `known` ones may have been meant."""
        listed = sorted(known)
        self.name = name
        self.closest = tuple(get_close_matches(name, listed, n=3))
        meant = f"; did you mean {' or '.join(self.closest)}?" if self.closest else ""
        super().__init__(f"there is no property called {name!r}{meant} Known: {', '.join(listed)}")
