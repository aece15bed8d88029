"""A call of a kernel routine in progress."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeAlias

from dirql.model.domain import Value

from .dispatch import registration
from .state import (
    APC,
    DISPATCH,
    NONE,
    BrokenRuleError,
    Context,
    Draft,
    InKernel,
    Run,
    World,
    returned,
)

MUTEX = "fast mutex"
SUCCESS, TIMEOUT = 0, 0x102
INSUFFICIENT_RESOURCES, INVALID_PARAMETER = 0xC000009A - (1 << 32), 0xC000000D - (1 << 32)
FROM_RESOURCE = -(1 << 70)


@dataclass(slots=True)
class Calling:
    """A call in progress: the draft to be changed, who calls, where, with what.

    `ignored` says that the caller throws the result away.
    """

    world: World
    draft: Draft
    name: str
    processor: str
    arguments: dict[str, Value]
    ignored: bool = False

    @property
    def context(self) -> Context:
        """The caller."""
        return self.draft.contexts[self.name]

    def change(self, **changes: object) -> None:
        """Change the caller."""
        self.draft.contexts[self.name] = replace(self.context, **changes)  # type: ignore[arg-type]

    def text(self, parameter: str) -> str:
        """An argument that is a name."""
        value = self.arguments[parameter]
        return "NULL" if value == 0 else str(value)

    def number(self, parameter: str) -> int:
        """An argument that is a number."""
        return int(self.arguments[parameter])

    def require(self, condition: object, rule: str) -> None:
        """The rule is broken where `condition` is false."""
        if not condition:
            raise BrokenRuleError(rule)

    def note(self, condition: object, rule: str) -> None:
        """The rule is broken where `condition` is false, and a free build goes on."""
        if not condition:
            self.world.survived.add(rule)

    def in_order(self, lock: str, new: int) -> None:
        """`lock` was taken last, and going to level `new` leaves no other lock too low."""
        self.note(self.context.held[-1][0] == lock, "release-out-of-order")
        others = [item for item in self.context.held if item[0] != lock]
        low = all(new >= self._level(*item) for item in others)
        self.require(low, "irql-lowered-below-lock")

    def _level(self, _lock: str, routine: str, _previous: int, through: str) -> int:
        """The level below which the owner of a lock must not go."""
        if through:
            return registration(self.draft, through).irql
        return APC if routine == MUTEX else DISPATCH

    def taken_at(self, held: tuple[str, str, int, str]) -> int:
        """The level at which the lock was taken."""
        _, routine, previous, _ = held
        return previous if routine.endswith("AtDpcLevel") else self._level(*held)

    def at_most(self, level: int) -> None:
        """The caller's IRQL is at most `level`."""
        self.require(self.context.irql <= level, "irql-too-high")

    def stay(self, routine: str, stage: str, *memory: Value) -> list[Draft]:
        """Go on with a later stage."""
        frames = self.context.frames
        if isinstance(frames[-1], InKernel):
            frames = frames[:-1]
        self.change(frames=(*frames, InKernel(routine, stage, memory)))
        return [self.draft]

    def done(self, value: Value = 0) -> list[Draft]:
        """Return to the caller."""
        frames = self.context.frames
        if isinstance(frames[-1], InKernel):
            frames = frames[:-1]
        run = frames[-1]
        assert isinstance(run, Run)
        node = self.world.routines[run.routine].nodes[run.node]
        after = returned(node.instruction, run, value, node.following)
        self.change(frames=(*frames[:-1], after))
        return [self.draft]

    def copy(self) -> "Calling":
        """The same call on a copy of the draft."""
        return replace(self, draft=self.draft.copy())

    def on(self, draft: Draft) -> "Calling":
        """The same call on another draft."""
        return replace(self, draft=draft)

    def take(self, lock: str, routine: str, previous: int, through: str = "") -> bool:
        """Take a spin lock, if it is free; an interrupt lock through one of its objects."""
        self.require(all(item[0] != lock for item in self.context.held), "recursive-lock-acquire")
        if self.draft.text(f"owner {lock}") != NONE:
            return False
        self.draft.kernel[f"owner {lock}"] = self.name
        self.change(held=(*self.context.held, (lock, routine, previous, through)))
        return True

    def drop(self, lock: str, irql: int) -> None:
        """Release a spin lock and go to a level."""
        self.draft.kernel[f"owner {lock}"] = NONE
        held = tuple(item for item in self.context.held if item[0] != lock)
        self.change(held=held, irql=irql)


Begin: TypeAlias = Callable[[Calling], list[Draft]]
