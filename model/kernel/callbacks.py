"""What routines of a driver Windows calls as: their parameters, and what it makes of the answer."""

from dataclasses import dataclass

from .c_types import BOOLEAN, NTSTATUS, VOID, CType


@dataclass(frozen=True, slots=True)
class Callback:
    """A type of routine that Windows calls.

    The last `spare` parameters can be left out. `answers` is the C type of the result, `VOID` where
    nobody looks at it; `meaning` says what it tells. Of a result that is `handed_on`, the caller of
    the kernel routine gets the value; of any other, Windows asks whether it is TRUE, or of a
    status whether it is a failure.
    """

    name: str
    parameters: tuple[str, ...] = ()
    spare: int = 0
    answers: CType = VOID
    meaning: str = ""
    handed_on: bool = False


SERVICE = Callback(
    "a service routine",
    ("Interrupt", "ServiceContext"),
    answers=BOOLEAN,
    meaning="TRUE where it served its device, else FALSE",
)
SYNCHRONIZE = Callback(
    "a SynchCritSection routine",
    ("SynchronizeContext",),
    answers=BOOLEAN,
    meaning="what KeSynchronizeExecution hands on",
    handed_on=True,
)
DPC = Callback("a DPC", ("Dpc", "DeferredContext", "SystemArgument1", "SystemArgument2"), spare=2)
DPC_FOR_ISR = Callback("a DpcForIsr", ("Dpc", "DeviceObject", "Irp", "Context"), spare=2)
WORKER = Callback("a work item's routine", ("DeviceObject", "Context"))
WORKER_EX = Callback("a work item's routine", ("IoObject", "Context", "IoWorkItem"))
START = Callback(
    "a start routine", answers=NTSTATUS, meaning="a status, for example STATUS_SUCCESS"
)
"""The routine that a scenario starts with."""
OTHER = Callback("a routine of the scenario")
