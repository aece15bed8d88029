"""IRQLs: PASSIVE_LEVEL 0, APC_LEVEL 1, DISPATCH_LEVEL 2, devices 3 to 12 (1.1)."""

from ..machine import ContextKind

PASSIVE_LEVEL = 0
APC_LEVEL = 1
DISPATCH_LEVEL = 2
HIGH_LEVEL = 15

_NAMES = {PASSIVE_LEVEL: "PASSIVE_LEVEL", APC_LEVEL: "APC_LEVEL", DISPATCH_LEVEL: "DISPATCH_LEVEL"}


def bad_address(irql: int, *, in_kernel: bool) -> str:
    """The bug check for touching memory that is not there, at level `irql` (0xA, 0xD1, 0x7E).

    Windows: at DISPATCH_LEVEL and above 0xA, or 0xD1 where the driver's own code faults; below
        it the page fault becomes an exception that nobody handles.
    """
    if irql < DISPATCH_LEVEL:
        return "0x7E SYSTEM_THREAD_EXCEPTION_NOT_HANDLED"
    if in_kernel:
        return "0xA IRQL_NOT_LESS_OR_EQUAL"
    return "0xD1 DRIVER_IRQL_NOT_LESS_OR_EQUAL"


def wrong_level_at_return(kind: ContextKind) -> str:
    """The bug check for a routine that returns at another IRQL than it was called at.

    Windows: service routines 4.1.6, worker routines 7.5.7; a dispatch routine is caught by the I/O
        verifier (0xC9), any other callback by its caller.
    """
    match kind:
        case ContextKind.WORKER:
            return "0xE1 WORKER_THREAD_RETURNED_AT_BAD_IRQL"
        case ContextKind.THREAD:
            return "0xC9 DRIVER_VERIFIER_IOMANAGER_VIOLATION (0x05)"
        case _:
            return "0xC8 IRQL_UNEXPECTED_VALUE"


def level_name(level: int) -> str:
    """A level as the WDK writes it; device levels as `DIRQL 7`."""
    return _NAMES.get(level, "HIGH_LEVEL" if level == HIGH_LEVEL else f"DIRQL {level}")
