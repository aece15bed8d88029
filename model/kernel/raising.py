"""KeRaiseIrql, KeLowerIrql and relatives (rules 1.4)."""

from ..expr import Constant
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
    return (Step(call.routine, "1.4.1", irql=new), Give(Constant(call.irql)))


def ke_lower_irql(call: KernelCall, _world: World) -> tuple[Micro, ...]:
    """Lower the processor's IRQL.

    Windows: only to the value the matching raise returned (1.4.2); what was pending below the old
        level is delivered at once (1.4.5); never below a held lock's level (6.2.7, R45).
    Model: upwards, below the level at which Windows entered the routine, or below a held lock is a
        violation. A level that does not match its raise shows up when the routine returns.
    """
    new = call.number("NewIrql")
    if new > call.irql or new < call.entry_irql:
        return (
            call.broken(
                "irql-lowered-wrongly",
                f"KeLowerIrql is asked for {level_name(new)} at {level_name(call.irql)}"
                + (
                    ""
                    if new > call.irql
                    else f", below the {level_name(call.entry_irql)} at which "
                    "the routine was entered"
                ),
                "0xC4 DRIVER_VERIFIER_DETECTED_VIOLATION (0x31)",
            ),
        )
    return (Step(call.routine, "1.4.2", checks=not_below_locks(call, new), irql=new),)


def ke_get_current_irql(call: KernelCall, _world: World) -> tuple[Micro, ...]:
    """The current level.

    Windows: callable at any IRQL (1.1.1).
    Model: known at every program point, so no step.
    """
    return (Give(Constant(call.irql)),)


ROUTINES = (
    KernelRoutine(
        "KeRaiseIrql",
        (Parameter("NewIrql"), Parameter("OldIrql", Passing.OUT)),
        ke_raise_irql,
        "1.4.1",
    ),
    KernelRoutine("KeRaiseIrqlToDpcLevel", (), ke_raise_irql_to_dpc_level, "1.4.3"),
    KernelRoutine("KeLowerIrql", (Parameter("NewIrql"),), ke_lower_irql, "1.4.2"),
    KernelRoutine("KeGetCurrentIrql", (), ke_get_current_irql, "1.1.1"),
)
