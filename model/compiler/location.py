"""Where a context stands, with everything known there: the keys of program points.

A `Location` is static. Locals whose value is known (references, levels, results, constants) are in
it; locals whose value depends on data are only named, and live in variables of the machine.
"""

from dataclasses import dataclass
from typing import TypeAlias

from ..domain import Value
from ..kernel.callbacks import Callback
from ..kernel.rule import Enter, Held, Micro, Step
from ..machine import Source

WINDOWS = "Windows"
"""The caller of a thread that enters the driver at a raised level."""


@dataclass(frozen=True, slots=True)
class RoutineFrame:
    """A driver routine in progress: the node it is at, its known and its stored locals.

    `entry_irql` and `entry_held` are what the routine must leave as it found them, where Windows
    called it (as `role`); `serves` is the interrupt object, for a service routine.
    """

    routine: str
    node: int
    known: tuple[tuple[str, Value], ...]
    stored: tuple[str, ...]
    role: Callback | None
    entry_irql: int
    entry_held: tuple[Held, ...]
    serves: str


@dataclass(frozen=True, slots=True)
class KernelFrame:
    """A kernel routine in progress: the micro-steps left, the result so far.

    A result that depends on data is in the variable called `stored`.
    """

    routine: str
    micros: tuple[Micro, ...]
    result: Value | None
    source: Source
    stored: str = ""


Frame: TypeAlias = RoutineFrame | KernelFrame


@dataclass(frozen=True, slots=True)
class Location:
    """A program point of a context. No frames: the context rests (idle, or done).

    `pinned` tells whether a thread occupies a processor. Below DISPATCH_LEVEL it does so only just
    after its IRQL fell, until the processor has run what was waiting for that.
    `handled` tells what the service routine in progress has done for its device: `served`, or
    `queued` work that may be for it, or nothing.
    `raised` are the levels to which the raises in progress go back.
    """

    frames: tuple[Frame, ...]
    irql: int
    pinned: bool
    held: tuple[Held, ...] = ()
    handled: str = ""
    raised: tuple[int, ...] = ()

    @property
    def serves(self) -> str:
        """The interrupt object whose dispatch is in progress, or empty."""
        for frame in self.frames:
            if isinstance(frame, RoutineFrame):
                if frame.serves:
                    return frame.serves
                continue
            for micro in frame.micros:
                if isinstance(micro, Step | Enter) and micro.serves:
                    return micro.serves
        return ""

    def remembers(self, name: str) -> bool:
        """Whether a local of a routine in progress holds the object called `name`."""
        return any(
            value == name
            for frame in self.frames
            if isinstance(frame, RoutineFrame)
            for _, value in frame.known
        )

    @property
    def step(self) -> Step | None:
        """The kernel step about to be taken, if it is one."""
        if self.frames and isinstance(self.frames[-1], KernelFrame) and self.frames[-1].micros:
            micro = self.frames[-1].micros[0]
            return micro if isinstance(micro, Step) else None
        return None
