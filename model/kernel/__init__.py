"""The Windows rules, one file per chapter of windows-rules.md.

`ROUTINES` is the table of kernel routines that a driver can call; a chapter adds to it through its
own `ROUTINES`. `rule.py` is the contract they are written against.
"""

from . import (
    cancel_lock,
    connection,
    disconnection,
    dpc,
    dpc_removal,
    events,
    interlocked,
    memory,
    mutexes,
    queued_spin_locks,
    raising,
    remove_locks,
    spin_locks,
    synchronization,
    timers,
    waits,
    work_items,
)
from .constants import CONSTANTS
from .knobs import KNOBS, Knob, KnobError, Knobs, make_knobs, parse_knob
from .rule import KernelRoutine

ROUTINES: tuple[KernelRoutine, ...] = (
    *raising.ROUTINES,
    *connection.ROUTINES,
    *disconnection.ROUTINES,
    *synchronization.ROUTINES,
    *spin_locks.ROUTINES,
    *queued_spin_locks.ROUTINES,
    *cancel_lock.ROUTINES,
    *interlocked.ROUTINES,
    *mutexes.ROUTINES,
    *events.ROUTINES,
    *waits.ROUTINES,
    *dpc.ROUTINES,
    *dpc_removal.ROUTINES,
    *timers.ROUTINES,
    *work_items.ROUTINES,
    *remove_locks.ROUTINES,
    *memory.ROUTINES,
)

__all__ = [
    "CONSTANTS",
    "KNOBS",
    "ROUTINES",
    "KernelRoutine",
    "Knob",
    "KnobError",
    "Knobs",
    "make_knobs",
    "parse_knob",
]
