"""What people write who know C, Python or a framework, and what to write here instead."""

import ast
import re
from typing import Final

_PRINTING: Final = "leave it out: what is printed changes nothing that dirql looks at"
_REGISTER: Final = (
    "a register is a field of the Device: self.nic.cause; one whose access has effects is a method "
    "of the Device, called as self.nic.read_and_clear()"
)
_POOL: Final = (
    "memory with a lifetime is a Structure of the driver: request = Request(allocated=False), then "
    "ExAllocatePool2(self.request); ExFreePool(self.request) ends it"
)
_REQUEST: Final = (
    "a request is a Structure with a field: completed = Int(0, 1); to complete it once: "
    "assert not irp.completed, then irp.completed = 1"
)
_BARRIER: Final = "leave it out: steps are sequentially consistent here (docs/limits.md)"
_MEMORY: Final = "assign the fields one by one, or write a for loop over range()"
_LOOP: Final = "write the loop or comparison out, as in C"
_TYPE: Final = (
    "a field has the type it is declared with; tell objects apart with a field or with =="
)
_CONTAINER: Final = "declare a field: Array(Int(0, 3), 4) or Queue(Int(0, 3), 4)"

_OTHERS: Final = (
    "docs/kernel-routines.md lists the routines there are; leave the call out if it does not "
    "matter, or write a routine of the driver that does what matters"
)
_SEMAPHORE: Final = (
    "count in an Int field under a KSPIN_LOCK, and set a synchronization KEVENT for whoever waits"
)
_IO_TIMER: Final = (
    "a KTIMER with a period: KeSetTimerEx(self.Timer, 1, 1, self.TimerDpc), KeCancelTimer"
)
_LISTS: Final = (
    r"Interlocked(Push|Pop|Insert|Remove)|ExInterlocked|(Insert|Remove)(Head|Tail|Entry)List"
    r"|IsListEmpty|InitializeListHead"
)

_NAMES: Final = {
    "IoCompleteRequest": _REQUEST,
    "IoMarkIrpPending": _REQUEST,
    "IoSetCancelRoutine": (
        "a cancel routine is a RoutineReference field, exchanged by "
        "InterlockedExchangePointer(self.cancel, NULL)"
    ),
    "IoAllocateWorkItem": "declare it, work = IO_WORKITEM(), and use self.work",
    "IoInitializeWorkItem": "declare it, work = IO_WORKITEM(): it is initialised; use self.work",
    "KeWaitForMultipleObjects": (
        "wait for one object after the other with KeWaitForSingleObject: that is WaitAll, unless "
        "others wait for the same objects; WaitAny can be one event that every source sets"
    ),
    "KeWaitForMutexObject": "KeWaitForSingleObject, or a FAST_MUTEX with ExAcquireFastMutex",
    "KeInitializeSemaphore": _SEMAPHORE,
    "KeReleaseSemaphore": _SEMAPHORE,
    "IoInitializeTimer": _IO_TIMER,
    "IoStartTimer": _IO_TIMER,
    "IoStopTimer": _IO_TIMER,
    "KeInitializeMutex": "a mutex is a FAST_MUTEX here: ExAcquireFastMutex, ExReleaseFastMutex",
    "KeMemoryBarrier": _BARRIER,
    "MemoryBarrier": _BARRIER,
    "KeQueryPerformanceCounter": "there is no time here: anything may take as long as it likes",
    "KeQuerySystemTime": "there is no time here: anything may take as long as it likes",
    "ASSERT": "assert condition",
    "NT_ASSERT": "assert condition",
    "NT_ERROR": "write not NT_SUCCESS(status)",
    "PAGED_CODE": "leave it out: IRQLs are checked where routines are called",
    "UNREFERENCED_PARAMETER": "leave it out",
    "IoGetCurrentIrpStackLocation": "pass what matters as a parameter: Call(Drv.Ioctl, 1)",
    "ObDereferenceObject": _POOL,
    "DIRQL": "the level of the device: self.nic.Irql",
    "print": _PRINTING,
    "len": "the length of an Array is what you declared; the entries of a Queue: self.work.count()",
    "isinstance": _TYPE,
    "issubclass": _TYPE,
    "type": _TYPE,
    "hasattr": _TYPE,
    "getattr": "write self.field; to choose among fields, use an Array or if and elif",
    "setattr": "write self.field = value",
    "super": "call the routine by its name: self.Routine()",
    "int": "numbers are integers already; a condition used as a number is 1 or 0",
    "bool": "a condition is any number that is not 0",
    "str": "use a number or a member of an IntEnum",
    "list": _CONTAINER,
    "dict": _CONTAINER,
    "set": "use one Bit field per member, or a word of flags",
    "tuple": "use one variable per value",
    "deque": _CONTAINER,
    "None": "a null pointer is NULL",
    "range": "range() belongs into: for i in range(n), or choose(range(n))",
    "enumerate": "for i in range(n), then self.ring[i]",
    "zip": "for i in range(n), then self.ring[i]",
    **dict.fromkeys(("min", "max", "abs", "any", "all", "sum", "sorted", "reversed", "map"), _LOOP),
    "WdfInterruptCreate": "IoConnectInterrupt(self.Interrupt, self.Isr) in the start routine",
    "WdfInterruptSynchronize": "KeSynchronizeExecution(self.Interrupt, self.Routine)",
    "WdfInterruptAcquireLock": "OldIrql = KeAcquireInterruptSpinLock(self.Interrupt)",
    "WdfInterruptReleaseLock": "KeReleaseInterruptSpinLock(self.Interrupt, OldIrql)",
    "WdfInterruptQueueDpcForIsr": "KeInsertQueueDpc(self.Dpc)",
    "WdfInterruptQueueWorkItemForIsr": "KeInsertQueueDpc(self.Dpc), whose routine queues the item",
    "WdfSpinLockAcquire": "KeAcquireSpinLock(self.Lock, OldIrql)",
    "WdfSpinLockRelease": "KeReleaseSpinLock(self.Lock, OldIrql)",
    "WdfTimerStart": "KeSetTimer(self.Timer, DueTime, self.Dpc)",
    "WdfTimerStop": "KeCancelTimer(self.Timer); with Wait, KeFlushQueuedDpcs() after it",
    "WdfWorkItemEnqueue": "IoQueueWorkItem(self.work, self.Routine)",
    "WdfRequestComplete": _REQUEST,
    "NdisMRegisterInterruptEx": "IoConnectInterrupt(self.Interrupt, self.Isr)",
    "NdisMRegisterInterrupt": "IoConnectInterrupt(self.Interrupt, self.Isr)",
    "NdisMDeregisterInterruptEx": "IoDisconnectInterrupt(self.Interrupt), then KeFlushQueuedDpcs()",
    "NdisMDeregisterInterrupt": "IoDisconnectInterrupt(self.Interrupt), then KeFlushQueuedDpcs()",
    "NdisMSynchronizeWithInterruptEx": "KeSynchronizeExecution(self.Interrupt, self.Routine)",
    "NdisMSynchronizeWithInterrupt": "KeSynchronizeExecution(self.Interrupt, self.Routine)",
    "NdisMQueueDpc": "KeInsertQueueDpc(self.Dpc)",
    "NdisMQueueDpcEx": "KeInsertQueueDpc(self.Dpc)",
    "NdisAcquireSpinLock": "KeAcquireSpinLock(self.Lock, OldIrql)",
    "NdisReleaseSpinLock": "KeReleaseSpinLock(self.Lock, OldIrql)",
    "NdisDprAcquireSpinLock": "KeAcquireSpinLockAtDpcLevel(self.Lock)",
    "NdisDprReleaseSpinLock": "KeReleaseSpinLockFromDpcLevel(self.Lock)",
}

_FAMILIES: Final = (
    (r"DbgPrint|KdPrint|vDbgPrint|WPP|Trace|DbgBreakPoint|KdBreakPoint|RtlStringC", _PRINTING),
    (r"(READ|WRITE)_(REGISTER|PORT)_", _REGISTER),
    (r"Hal(Get|Set)BusData", _REGISTER),
    (r"ExAllocate|ExFree|MmAllocate|MmFree|IoAllocateIrp|IoFreeIrp", _POOL),
    (r"Rtl(Zero|Copy|Move|Fill)(Memory|Bytes)|memset|memcpy|memmove", _MEMORY),
    (
        _LISTS,
        "a list is a Queue field: self.work.append(x), self.work.pop(), self.work.empty()",
    ),
    (
        r"Wdf|Evt[A-Z]",
        "the framework is written as the WDM calls it makes: patterns/pcidrv_kmdf*.py show how",
    ),
    (r"Ndis", "NDIS is written as the WDM calls it makes: NdisMQueueDpc is KeInsertQueueDpc"),
    (
        r"(Ke|Io|Ex|Mm|Ob|Ps|Po|Zw|Hal|Rtl|Se)[A-Z]\w+",
        _OTHERS,
    ),
)

_SLIPS: Final = (
    (r"\+\+|--", "C's x++ is written x += 1"),
    (r"&&", "C's && is written `and`"),
    (r"\|\|", "C's || is written `or`"),
    (r"->", "C's pointer->field is written pointer.field"),
    (r"(^|[=(,]\s*)&\s*\w", "C's &field is written without &: self.Interrupt"),
    (r"![^=]", "C's ! is written `not`"),
    (r"^\s*else\s+if\b", "C's else if is written elif"),
    (r"^\s*(switch|case|default)\b", "C's switch is written with if and elif"),
    (r"^\s*(goto|do)\b", "write a while loop, or return early"),
    (r"^\s*(//|/\*|\*/)", "a comment begins with #"),
    (r"\?.*:", "C's a ? b : c is written b if a else c"),
    (r"[{}]\s*$", "a block begins with a colon and is indented; there are no braces"),
    (
        r"^\s*(void|int|unsigned|long|ULONG|UCHAR|USHORT|BOOLEAN|NTSTATUS|KIRQL|P\w+)\s+\w+\s*[;=(]",
        "a local needs no type: status = ...; its range is declared as n: Int(0, 7) = 0",
    ),
    (r"^\s*(def|if|elif|else|while|for|class)\b[^:]*$", "this line ends with a colon"),
    (r"\b\d+[uUlL]+\b", "a number has no suffix"),
)

C_TYPES: Final = {
    "BOOLEAN": "Bit(0)",
    "BOOL": "Bit(0)",
    "NTSTATUS": "Int(STATUS_UNSUCCESSFUL, 0), or Bit(0) for success and failure",
    "KIRQL": "a local: KeAcquireSpinLock(self.lock, OldIrql)",
    "PIRP": "Reference(Irp), where Irp is a Structure",
    "PVOID": "Reference(Request), where Request is a Structure",
    "LIST_ENTRY": "Queue(Reference(Request), 2)",
    **dict.fromkeys(
        ("UCHAR", "CHAR", "USHORT", "SHORT", "ULONG", "LONG", "INT", "UINT", "UINT32", "SIZE_T"),
        "Int(0, 3), as small as the driver's logic allows; C's wrapping is wrapping=True",
    ),
}
"""Types of C that people declare fields with, and the declaration meant."""

_MISUSES: Final = (
    (
        r"(\w+)\.(\w+)\(\) missing .*argument.*'self'",
        r"\1.\2 is called",
        r"a scenario names routines without calling them: \1.\2; with arguments, Call(\1.\2, 1)",
    ),
    (
        r"ScenarioDeclaration.__init__\(\) got an unexpected keyword argument '(\w+)'",
        r"a Scenario has no `\1`",
        "it has start, concurrently, finally_, processors, knobs, properties, ignore, expect, name",
    ),
    (
        r"Int\.__init__\(\) missing .*",
        "Int needs both its bounds",
        "the least and the greatest value: Int(0, 7)",
    ),
)
"""What Python says of wrong calls at the module level, and how it is said here."""


def misused(message: str) -> tuple[str, str] | None:
    """What a TypeError at the module level means, and what to write instead."""
    for shape, meaning, instead in _MISUSES:
        found = re.fullmatch(shape, message)
        if found:
            return found.expand(meaning), found.expand(instead)
    return None


MESSAGE_VERSION = "CONNECT_MESSAGE_BASED"
MESSAGE_MEMBERS = ("MessageBased", "InterruptMessageTable")
"""What a connect call for messages names."""


def no_messages(named: str, node: ast.AST) -> tuple[str, ast.AST, str]:
    """Message-signalled interrupts are not modelled: what is said where something names them."""
    hint = (
        "give the device a latched line for each message, Line(irql=7, mode=Latched), and connect "
        "each with IoConnectInterrupt or CONNECT_FULLY_SPECIFIED and its Vector"
    )
    return f"`{named}`: message-signalled interrupts are not modelled yet", node, hint


def instead_of(name: str) -> str:
    """What to write instead of the unknown name, or nothing where nobody can tell."""
    if name in _NAMES:
        text = _NAMES[name]
        return f"write {text}" if re.match(r"(\w+ = )?[A-Z]\w+\(", text) else text
    return ""


def instead_of_family(name: str) -> str:
    """What to write instead of the unknown names that begin like this one, or nothing."""
    return next((text for shape, text in _FAMILIES if re.match(shape, name)), "")


def slip_in(line: str) -> str:
    """What was probably meant by a line that is not Python, or nothing."""
    return next((text for shape, text in _SLIPS if re.search(shape, line)), "")
