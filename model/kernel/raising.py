"""KeRaiseIrql, KeLowerIrql and relatives (rules 1.4)."""

from ..expr import Constant
from .c_types import KIRQL
from .levels import DISPATCH_LEVEL, HIGH_LEVEL, level_name
from .locks import not_below_locks
from .rule import Give, KernelCall, KernelRoutine, Micro, Step
from .signature import Parameter, Passing
from .world import World


def ke_raise_irql(call: KernelCall, _world: World) -> tuple[Micro, ...]:
    """Raise the processor's IRQL; gives the old one.

    Windows: never downwards nor above HIGH_LEVEL, that is a bug check (1.4.1); to the same level it
        does nothing (1.4.4).
    Model: one step.
    """
    return _raise(call, call.number("NewIrql"))


def ke_raise_irql_to_dpc_level(call: KernelCall, _world: World) -> tuple[Micro, ...]:
    """Raise to DISPATCH_LEVEL; gives the old IRQL.

    Windows: the caller is at or below DISPATCH_LEVEL (1.4.3).
    Model: one step.
    """
    return _raise(call, DISPATCH_LEVEL)


def _raise(call: KernelCall, new: int) -> tuple[Micro, ...]:
    """Go to level `new`."""
    if new < call.irql or new > HIGH_LEVEL:
        return (
            call.broken(
                "irql-raised-downwards",
                f"{call.routine} is asked for {level_name(new)} at {level_name(call.irql)}",
                "0xC4 DRIVER_VERIFIER_DETECTED_VIOLATION (0x30)",
            ),
        )
    step = Step(call.routine, "1.4.1", irql=new, raises=new > call.irql)
    return (step, Give(Constant(call.irql)))


def ke_lower_irql(call: KernelCall, _world: World) -> tuple[Micro, ...]:
    """Lower the processor's IRQL.

    Windows: only to the value the matching raise returned (1.4.2); what was pending below the old
        level is delivered at once (1.4.5); never below a held lock's level (6.2.7, R45).
    Model: anything but the level of the last raise that is still in force is a violation; to the
        current level nothing happens. Raising to the current level needs no way back.
    """
    new = call.number("NewIrql")
    own_locks = any(held.taken_by for held in call.held)  # a service routine took none itself
    below = not_below_locks(call, new) if own_locks else ()
    if new == call.irql or below:
        return (Step(call.routine, "1.4.2", checks=below),)
    if not call.raised or call.raised[-1] != new:
        return (
            call.broken(
                "irql-lowered-wrongly",
                f"KeLowerIrql is asked for {level_name(new)} at {level_name(call.irql)}, "
                f"{_way_back(call)}",
                "0xC4 DRIVER_VERIFIER_DETECTED_VIOLATION (0x31)",
            ),
        )
    return (Step(call.routine, "1.4.2", irql=new, lowers=True),)


def _way_back(call: KernelCall) -> str:
    """What the caller could be lowered to, in words."""
    if call.raised:
        return f"and the matching raise returned {level_name(call.raised[-1])}"
    return "and no raise of its own is in force"


def ke_get_current_irql(call: KernelCall, _world: World) -> tuple[Micro, ...]:
    """The current level.

    Windows: callable at any IRQL (1.1.1).
    Model: known at every program point, so no step.
    """
    return (Give(Constant(call.irql)),)


ROUTINES = (
    KernelRoutine(
        "KeRaiseIrql",
        (
            Parameter("NewIrql", type=KIRQL, known=True),
            Parameter("OldIrql", Passing.OUT, type=KIRQL),
        ),
        ke_raise_irql,
        "1.4.1",
    ),
    KernelRoutine("KeRaiseIrqlToDpcLevel", (), ke_raise_irql_to_dpc_level, "1.4.3"),
    KernelRoutine(
        "KeLowerIrql", (Parameter("NewIrql", type=KIRQL, known=True),), ke_lower_irql, "1.4.2"
    ),
    KernelRoutine("KeGetCurrentIrql", (), ke_get_current_irql, "1.1.1"),
)
