"""Service routines: R4, R21 to R30."""

from .cases import CONNECT, EDGES, LATCHED, SERVE, SHARED, STARTED, WIRED, Case, isr
from .lock_parts import LOCK, SYNCHRONIZED


def _does(
    rule: str, broken: str, words: str, common: str, breaks: str, keeps: str = "pass"
) -> Case:
    """What a service routine must not do, on a device that is connected."""
    return Case(rule, broken, words, WIRED + CONNECT + common, isr(breaks), isr(keeps), STARTED)


_ANSWERS = (
    Case(
        "R21 R23",
        "stuck-context",
        "it claims what a neighbour asks for",
        SHARED + CONNECT,
        """
        def Isr(self, Interrupt, ServiceContext):
            self.nic.cause = 0
            return TRUE
        """,
        SERVE,
        STARTED,
    ),
    Case(
        "R22",
        "unclaimed-level-interrupt",
        "it denies that its device asked",
        WIRED + CONNECT,
        "def Isr(self, Interrupt, ServiceContext):\n    return FALSE\n",
        SERVE,
        STARTED,
    ),
    Case(
        "R22",
        "stuck-context",
        "it claims, and the device goes on asking",
        WIRED + CONNECT,
        "def Isr(self, Interrupt, ServiceContext):\n    return TRUE\n",
        SERVE,
        STARTED,
    ),
    Case(
        "R22",
        "handled-but-unclaimed",
        "it serves its device on a shared line and answers FALSE",
        SHARED + CONNECT,
        isr("pass", "FALSE"),
        isr("pass"),
        STARTED,
    ),
    Case(
        "R22",
        "unserviced-cause",
        "it claims an edge and leaves the work",
        LATCHED + CONNECT,
        """
        def Isr(self, Interrupt, ServiceContext):
            causes = self.nic.acknowledge()
            return causes != 0
        """,
        """
        def Isr(self, Interrupt, ServiceContext):
            causes = self.nic.acknowledge()
            if causes & 1:
                self.nic.received = 0
            if causes & 2:
                self.nic.sent = 0
            return causes != 0
        """,
        STARTED,
        EDGES,
    ),
    Case(
        "R24",
        "use-after-unmap",
        "a neighbour's interrupt finds the registers unmapped",
        SHARED + SERVE + "mapped = Bit(0)\n",
        """
        def Start(self):
            MmMapIoSpace(self.nic)
            status = IoConnectInterrupt(self.Interrupt, self.Isr)
            return status
        def Main(self):
            MmUnmapIoSpace(self.nic)
        """,
        """
        def Start(self):
            MmMapIoSpace(self.nic)
            status = IoConnectInterrupt(self.Interrupt, self.Isr)
            return status
        def Main(self):
            IoDisconnectInterrupt(self.Interrupt)
            MmUnmapIoSpace(self.nic)
        """,
    ),
    Case(
        "R4 R24",
        "use-after-unmap",
        "a neighbour's interrupt comes during start, before the registers are mapped",
        SHARED + SERVE,
        """
        def Start(self):
            status = IoConnectInterrupt(self.Interrupt, self.Isr)
            MmMapIoSpace(self.nic)
            return status
        """,
        """
        def Start(self):
            MmMapIoSpace(self.nic)
            status = IoConnectInterrupt(self.Interrupt, self.Isr)
            return status
        """,
        STARTED,
    ),
    Case(
        "R25",
        "unserviced-cause",
        "it serves one event for each interrupt",
        LATCHED + CONNECT,
        """
        def Isr(self, Interrupt, ServiceContext):
            causes = self.nic.acknowledge()
            if causes & 1:
                self.nic.received = 0
            elif causes & 2:
                self.nic.sent = 0
            return causes != 0
        """,
        """
        def Isr(self, Interrupt, ServiceContext):
            causes = self.nic.acknowledge()
            if causes & 1:
                self.nic.received = 0
            if causes & 2:
                self.nic.sent = 0
            return causes != 0
        """,
        STARTED,
        EDGES,
    ),
)

_EVENT = "Done = KEVENT(NotificationEvent, FALSE)\n"
_WORK = "Item = IO_WORKITEM()\ndef Worker(self, DeviceObject, Context):\n    pass\n"
_WAIT = "KeWaitForSingleObject(self.Done, Executive, KernelMode, FALSE, {timeout})"
_CALLS = (
    _does(
        "R27",
        "irql-not-restored",
        "it returns raised",
        "",
        "KeRaiseIrql(9, OldIrql)",
        "KeRaiseIrql(9, OldIrql)\nKeLowerIrql(OldIrql)",
    ),
    _does(
        "R28",
        "null-dereference",
        "it follows a pointer that is NULL",
        "record = Record()\ncurrent = Reference(Record)\n",
        "self.current.value = 1",
        "if self.current:\n    self.current.value = 1",
    ),
    _does(
        "R28",
        "index-out-of-range",
        "it writes behind its buffer",
        "ring = Array(Bit(), 2)\ncount = Int(0, 3, wrapping=True)\n",
        "self.ring[self.count] = 1\nself.count += 1",
        "if self.count < 2:\n    self.ring[self.count] = 1\n    self.count += 1",
    ),
    _does("R29", "irql-too-high", "it sets an event", _EVENT, "KeSetEvent(self.Done)"),
    _does(
        "R29",
        "irql-too-high",
        "it clears an event",
        _EVENT,
        "KeClearEvent(self.Done)",
    ),
    _does(
        "R29",
        "irql-too-high",
        "it arms a timer",
        "Timer = KTIMER()\n",
        "KeSetTimer(self.Timer, 1)",
    ),
    _does(
        "R29",
        "irql-too-high",
        "it frees memory",
        "record = Record()\n",
        "ExFreePool(self.record)",
    ),
    _does(
        "R29",
        "irql-too-high",
        "it asks an event without waiting",
        _EVENT,
        _WAIT.format(timeout="LARGE_INTEGER(0)"),
    ),
    _does(
        "R29",
        "wait-at-dispatch-level",
        "it waits for an event",
        _EVENT,
        _WAIT.format(timeout="NULL"),
    ),
    _does(
        "R29",
        "wait-at-dispatch-level",
        "it sleeps",
        "",
        "KeDelayExecutionThread(KernelMode, FALSE, 1)",
        "KeStallExecutionProcessor(1)",
    ),
    Case(
        "R29",
        "irql-too-high",
        "a routine under KeSynchronizeExecution sets an event",
        WIRED + CONNECT + SERVE + _EVENT,
        SYNCHRONIZED.format(work="KeSetEvent(self.Done)"),
        SYNCHRONIZED.format(work="pass").replace(
            "self.Touch)", "self.Touch)\n    KeSetEvent(self.Done)"
        ),
    ),
    _does(
        "R30",
        "irql-too-high",
        "it takes an executive spin lock",
        LOCK,
        "KeAcquireSpinLock(self.Lock, OldIrql)\nKeReleaseSpinLock(self.Lock, OldIrql)",
    ),
    _does(
        "R30",
        "irql-too-high",
        "it takes a queued spin lock",
        LOCK,
        "KeAcquireInStackQueuedSpinLock(self.Lock, Handle)\nKeReleaseInStackQueuedSpinLock(Handle)",
    ),
    _does(
        "R30",
        "irql-too-high",
        "it takes the cancel lock",
        "",
        "IoAcquireCancelSpinLock(OldIrql)\nIoReleaseCancelSpinLock(OldIrql)",
    ),
    _does(
        "R30",
        "irql-too-high",
        "it takes a fast mutex",
        "Mutex = FAST_MUTEX()\n",
        "ExAcquireFastMutex(self.Mutex)\nExReleaseFastMutex(self.Mutex)",
    ),
    Case(
        "R30",
        "preemption-deadlock",
        "it takes the lock that a thread holds at DISPATCH_LEVEL",
        WIRED
        + CONNECT
        + LOCK
        + """
def Main(self):
    KeAcquireSpinLock(self.Lock, OldIrql)
    KeReleaseSpinLock(self.Lock, OldIrql)
""",
        isr("KeAcquireSpinLockAtDpcLevel(self.Lock)\nKeReleaseSpinLockFromDpcLevel(self.Lock)"),
        isr("pass"),
    ),
)

CASES = (*_ANSWERS, *_CALLS)
