"""What must not happen: the named properties, each with its page of documentation.

`PROPERTIES` is the whole list, in the order in which reports show it. A property is one function
in the file of its theme and one line here, with its kind and, unless it is a crash, its grade.
"""

from collections.abc import Collection

from dirql.model.grade import Grade
from dirql.model.machine import Machine
from dirql.model.system import System

from . import (
    claims,
    connection,
    deferred,
    dispatch,
    irql,
    locking,
    memory,
    progress,
    races,
    selection,
)
from .kernel_invariants import kernel_invariants
from .locking import deadlock_goals
from .property import AtRest, Conditions, Kind, Property, UnknownPropertyError

__all__ = [
    "PROPERTIES",
    "AtRest",
    "Conditions",
    "Grade",
    "Kind",
    "Property",
    "UnknownPropertyError",
    "alone",
    "apply",
    "deadlock_goals",
    "going_on",
    "grade_of",
    "kernel_invariants",
    "rules_that_cut",
    "without",
]

PROPERTIES: tuple[Property, ...] = (
    Property(Kind.RULE, irql.irql_too_high),
    Property(Kind.RULE, irql.irql_too_low),
    Property(Kind.RULE, connection.synchronize_on_dead_interrupt),
    Property(Kind.RULE, connection.connect_overwrites_live_interrupt, Grade.CONTRACT),
    Property(Kind.RULE, connection.disconnect_of_dead_interrupt),
    Property(Kind.RULE, connection.null_out_pointer),
    Property(Kind.RULE, locking.recursive_lock_acquire),
    Property(Kind.RULE, locking.release_of_unowned_lock),
    Property(Kind.RULE, locking.release_out_of_order, Grade.CONTRACT),
    Property(Kind.RULE, locking.mixed_lock_routines, Grade.CONTRACT),
    Property(Kind.RULE, locking.mixed_lock_kinds),
    Property(Kind.RULE, locking.lock_held_at_return),
    Property(Kind.RULE, irql.irql_not_restored),
    Property(Kind.RULE, irql.irql_raised_downwards),
    Property(Kind.RULE, irql.irql_lowered_wrongly),
    Property(Kind.RULE, irql.irql_lowered_below_lock),
    Property(Kind.RULE, irql.wait_at_dispatch_level),
    Property(Kind.RULE, memory.uninitialized_object),
    Property(Kind.RULE, dispatch.unclaimed_level_interrupt),
    Property(Kind.RULE, dispatch.handled_but_unclaimed, Grade.CONTRACT),
    Property(Kind.RULE, deferred.dpc_argument_lost, Grade.CONTRACT),
    Property(Kind.RULE, deferred.dpc_requested_outside_isr, Grade.CONTRACT),
    Property(Kind.RULE, deferred.work_item_queued_twice),
    Property(Kind.RULE, deferred.free_while_queued),
    Property(Kind.RULE, memory.use_after_free),
    Property(Kind.RULE, memory.use_after_unmap),
    Property(Kind.RULE, memory.null_dereference),
    Property(Kind.RULE, memory.double_free),
    Property(Kind.RULE, memory.index_out_of_range),
    Property(Kind.RULE, memory.value_out_of_range),
    Property(Kind.RULE, claims.assertion_failed),
    Property(Kind.RULE, connection.isr_after_disconnect),
    Property(Kind.INVARIANT, connection.device_unmasked_before_connect, Grade.CONTRACT),
    Property(Kind.INVARIANT, connection.device_unmasked_at_disconnect, Grade.CONTRACT),
    Property(Kind.INVARIANT, locking.preemption_deadlock),
    Property(Kind.INVARIANT, locking.lock_cycle),
    Property(Kind.INVARIANT, claims.claim_broken),
    Property(Kind.QUIESCENT, dispatch.unserviced_cause, Grade.CONTRACT),
    Property(Kind.QUIESCENT, connection.interrupt_left_connected),
    Property(Kind.QUIESCENT, deferred.queue_left_pending),
    Property(Kind.PROGRESS, progress.stuck_context),
    Property(Kind.RACE, races.data_race, Grade.CONTRACT),
    Property(Kind.RACE, races.torn_read_modify_write, Grade.CONTRACT),
)


GRADES = {item.name: item.grade for item in PROPERTIES}


def grade_of(name: str) -> Grade:
    """The grade of the property called `name`; what is no property ends behaviours like a crash."""
    return GRADES.get(name, Grade.CRASH)


def without(machine: Machine, names: Collection[str]) -> Machine:
    """`machine`, not asked for the properties called `names`: their checks end no behaviour.

    The steps keep their places, so that a trace of one is a trace of the other. Only what a free
    build survives may be left out like this; `apply` leaves out the rest.

    Raises:
        ValueError: one of the names is a crash.
    """
    return selection.without(machine, names, GRADES)


def going_on(machine: Machine) -> Machine:
    """`machine` where no step breaks a rule that a free build survives: for what can follow."""
    return selection.going_on(machine)


def alone(machine: Machine, name: str) -> Machine:
    """`machine`, asked for `name` and for what ends behaviours: what a trace of `name` is about."""
    others = {other for other, grade in GRADES.items() if grade is not Grade.CRASH} - {name}
    return without(machine, others)


def apply(system: System, names: Collection[str] | None = None) -> Machine:
    """The machine of `system` with the conditions of the properties called `names`.

    `None` means all. Behaviours still end where a crash that is not asked would happen, without
    being reported (`selection.py` says how); `rules_that_cut` names those rules afterwards. What a
    free build survives, and is not asked, ends none.

    Raises:
        UnknownPropertyError: no property has one of the names.
    """
    return selection.select(PROPERTIES, system, names)


def rules_that_cut(
    system: System, names: Collection[str] | None, taken: Collection[int]
) -> tuple[str, ...]:
    """The rules that were not asked and ended behaviours of the machine `apply` gave.

    `taken` is `Statistics.taken` of the engine's result.
    """
    return selection.rules_that_cut(system, names, taken)
