"""The contract of a kernel rule: a call comes in, its documented micro-steps come out.

A rule is a function from a `KernelCall` (everything known statically where the driver makes the
call) to a sequence of `Micro`s. The compiler strings these into the control-flow graph of the
calling context, so a kernel routine is interrupted, preempted and interleaved like driver code.

Rules never look at a state. What depends on the state is an `Outcome` with a guard.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from ..expr import FALSE, Constant, Expression, Read
from ..machine import Access, Check, ContextKind
from .callbacks import Callback
from .levels import DISPATCH_LEVEL, level_name
from .signature import Parameter

if TYPE_CHECKING:
    from .world import World

HERE = Read("processor here")
"""Stands for the label of the processor that runs the step; the compiler replaces it."""

WRONG_IRQL = "0xC4 DRIVER_VERIFIER_DETECTED_VIOLATION (0xE5)"
"""What Driver Verifier raises for a kernel routine called at a wrong IRQL."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One way a step can end.

    Attributes:
        guard: when it is possible, over the state before the step; outcomes may overlap (then both
            are explored), and where none is possible the context waits.
        updates: new values of kernel or driver variables.
        result: what the routine returns so far; `None` leaves it as it was.
        then: micro-steps to take next, before those that follow the step.
        handled: whether a service routine that gets here may have done something for its device:
            it queued work.
        name: what to call the step when it ends this way; empty for the step's own name.
        irql: the level after the step, where that depends on how it ends.
        takes: the spin lock acquired, where that depends on how it ends.
        saves: the level that the release of that lock will restore.
        spontaneous: whether it may happen but is not owed, for example a spurious interrupt.
        lucky: whether nobody may rely on the step ending this way.
    """

    guard: tuple[Expression, ...] = ()
    updates: tuple[tuple[str, Expression], ...] = ()
    result: Expression | None = None
    then: tuple["Micro", ...] = ()
    handled: bool = False
    name: str = ""
    irql: int | None = None
    takes: str = ""
    saves: int = -1
    spontaneous: bool = False
    lucky: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """One atomic step.

    `irql` is the level after it (`None`: unchanged); `raises` remembers the level before it, which
    the step that `lowers` goes back to. `takes` and `drops` name spin locks that
    are acquired (the step waits until the lock is free) and released; `saves` is the level that the
    release will restore; `still_raised_from` is the level to which the caller still has to go back
    although the lock that remembered it is gone. `through` names the interrupt object whose lock is
    taken, `serves` the one on whose behalf the kernel takes the step. `rule` cites
    windows-rules.md.
    """

    name: str
    rule: str = ""
    outcomes: tuple[Outcome, ...] = (Outcome(),)
    checks: tuple[Check, ...] = ()
    accesses: tuple[Access, ...] = ()
    irql: int | None = None
    raises: bool = False
    lowers: bool = False
    takes: str = ""
    drops: str = ""
    saves: int = -1
    still_raised_from: int = -1
    through: str = ""
    waits_on: str = ""
    serves: str = ""


@dataclass(frozen=True, slots=True)
class Enter:
    """Call a routine of the driver; its result, as `role` says, becomes the result so far.

    `serves` names the interrupt object whose service routine this is, if it is one.
    """

    routine: str
    arguments: tuple[Expression, ...]
    role: Callback
    serves: str = ""


@dataclass(frozen=True, slots=True)
class Decide:
    """Go on with one of two sequences, by the result of the last `Enter` or `Outcome`."""

    when_true: tuple["Micro", ...]
    when_false: tuple["Micro", ...]


@dataclass(frozen=True, slots=True)
class Give:
    """Set the result of the routine."""

    value: Expression


@dataclass(frozen=True, slots=True)
class Record:
    """Bookkeeping that belongs to the step before it, invisible to everybody else."""

    updates: tuple[tuple[str, Expression], ...]


@dataclass(frozen=True, slots=True)
class Walk:
    """A stage of the dispatch of a line on a processor; `dispatch.expand` says what it does.

    Dispatch loops, so its stages are named instead of spelled out. `stage` is `call` (call entry
    `position` of the chain), `next` (find the next entry from `position` on) or `end`.
    """

    line: str
    processor: str
    stage: Literal["call", "next", "end"]
    position: int
    claimed: bool


Micro: TypeAlias = Step | Enter | Decide | Give | Record | Walk


@dataclass(frozen=True, slots=True)
class KernelCall:
    """A call of a kernel routine at one program point.

    Attributes:
        routine: the WDK name.
        arguments: by parameter name; constants where the compiler knows the value (always so for
            objects, routines, levels and addresses, which are strings or integers).
        context: the calling context.
        kind: what sort of context that is.
        irql: its level, always known.
        point: names the program point, so that facts found twice are counted once.
        held: the spin locks it owns, in the order taken.
        raised: the levels from which KeRaiseIrql raised it and that are still to be restored.
        serving: the interrupt object whose service routine is running, or empty.
        ignored: whether the caller throws the result away.
    """

    routine: str
    arguments: dict[str, Expression]
    context: str
    kind: ContextKind
    irql: int
    point: str = ""
    held: tuple["Held", ...] = ()
    raised: tuple[int, ...] = ()
    serving: str = ""
    ignored: bool = False

    def text(self, parameter: str) -> str:
        """The argument as a known name (object, routine, address, `NULL`).

        Raises:
            RuleError: the argument is not a name known at this point.
        """
        value = self.arguments[parameter]
        if isinstance(value, Constant) and isinstance(value.value, str):
            return value.value
        if isinstance(value, Constant) and value.value == 0:
            return "NULL"
        raise RuleError(
            f"{self.routine}: {parameter} must be an object, a routine or NULL known where the "
            f"call is made"
        )

    def number(self, parameter: str) -> int:
        """The argument as a known integer.

        Raises:
            RuleError: the argument is computed from data.
        """
        value = self.arguments[parameter]
        if isinstance(value, Constant) and isinstance(value.value, int):
            return int(value.value)
        raise RuleError(
            f"{self.routine}: {parameter} must be a number known where the call is made"
        )

    def at_most(self, level: int, bug_check: str = "") -> tuple[Check, ...]:
        """The check that the caller's IRQL is at most `level`; nothing where it plainly is."""
        if self.irql <= level:
            return ()
        return (
            Check(
                "irql-too-high",
                FALSE,
                f"{self.routine} is called at {level_name(self.irql)}, above {level_name(level)}",
                bug_check or WRONG_IRQL,
            ),
        )

    def exactly(self, level: int, code: str) -> Step | None:
        """The step that breaks the rule, where the caller's IRQL is not `level`.

        `code` is the first parameter of the bug check that Driver Verifier raises.
        """
        if self.irql == level:
            return None
        return self.broken(
            "irql-too-high" if self.irql > level else "irql-too-low",
            f"{self.routine} is called at {level_name(self.irql)}, not at {level_name(level)}",
            f"0xC4 DRIVER_VERIFIER_DETECTED_VIOLATION ({code})",
        )

    def at_least(self, level: int, bug_check: str = "") -> tuple[Check, ...]:
        """The check that the caller's IRQL is at least `level`."""
        if self.irql >= level:
            return ()
        return (
            Check(
                "irql-too-low",
                FALSE,
                f"{self.routine} is called at {level_name(self.irql)}, below {level_name(level)}",
                bug_check or WRONG_IRQL,
            ),
        )

    def broken(self, name: str, detail: str, bug_check: str = "") -> Step:
        """A step that breaks rule `name` whenever it is taken."""
        return Step(self.routine, checks=(Check(name, FALSE, detail, bug_check),))

    @property
    def floating(self) -> bool:
        """Whether the caller is a thread that any processor may run."""
        return self.irql < DISPATCH_LEVEL


@dataclass(frozen=True, slots=True)
class Held:
    """A spin lock owned at a program point.

    Attributes:
        lock: the lock.
        taken_by: the kernel routine that took it; empty for the kernel calling a service routine.
        previous_irql: the level that its release restores.
        irql: the level at which it was taken.
        through: the interrupt object it was taken through, if it is an interrupt lock: several
            objects can share one.
    """

    lock: str
    taken_by: str
    previous_irql: int
    irql: int
    through: str = ""


class RuleError(Exception):
    """A call that the model cannot give a meaning to. The compiler adds the place in the source.

    `hint` says what to write instead; where it is empty, how the routine is called.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        """Remember both."""
        super().__init__(message)
        self.hint = hint


Emit: TypeAlias = "Callable[[KernelCall, World], tuple[Micro, ...]]"


@dataclass(frozen=True, slots=True)
class KernelRoutine:
    """A kernel routine: its WDK name, its parameters and the rule that gives it meaning.

    `settles_lifetime` is for routines that make or end the object they are given: whether it exists
    is theirs to check. Of every other routine's objects it is taken for granted that they must.
    """

    name: str
    parameters: tuple[Parameter, ...]
    emit: Emit
    rule: str = ""
    settles_lifetime: bool = False
