"""The names a pattern is written with: `from dirql.model.wdk import *`.

Kernel routines and constants come from the tables of `dirql.model.kernel`; the rest is the driver
language of `dirql.model.language`.
"""

from enum import IntEnum, IntFlag

from .language.declarations import (
    DEVICE_OBJECT,
    FAST_MUTEX,
    IO_REMOVE_LOCK,
    IO_WORKITEM,
    KDPC,
    KEVENT,
    KSPIN_LOCK,
    KTIMER,
    PKINTERRUPT,
    Array,
    Bit,
    Device,
    Driver,
    Enum,
    Int,
    Line,
    Queue,
    Reference,
    RoutineReference,
    Structure,
    hardware,
    invariant,
)
from .language.load import kernel_tables
from .language.scenarios import At, Call
from .language.scenarios import ScenarioDeclaration as Scenario
from .language.tables import captured_names
from .scenario import Holds, Violated

_LANGUAGE = (
    DEVICE_OBJECT,
    FAST_MUTEX,
    IO_REMOVE_LOCK,
    IO_WORKITEM,
    KDPC,
    KEVENT,
    KSPIN_LOCK,
    KTIMER,
    PKINTERRUPT,
    Array,
    At,
    Bit,
    Call,
    Device,
    Driver,
    Enum,
    Holds,
    Int,
    IntEnum,
    IntFlag,
    Line,
    Queue,
    Reference,
    RoutineReference,
    Structure,
    Violated,
    hardware,
    invariant,
)
_CAPTURED = captured_names(kernel_tables())
globals().update(_CAPTURED)

# The names follow from the tables, so no list can be written out; only patterns import them.
__all__ = [  # noqa: PLE0604  # pyright: ignore[reportUnsupportedDunderAll]
    "Scenario",
    *_CAPTURED,
    *(item.__name__ for item in _LANGUAGE),
]
