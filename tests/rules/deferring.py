"""DPCs, timers and work items: R55 to R64."""

from .cases import (
    CONNECT,
    INITIALIZED,
    MAIN,
    NOTHING,
    QUEUE,
    QUEUED,
    REMOVED,
    SERVE,
    STARTED,
    WIRED,
    Case,
    deferred,
    main,
)
from .lock_parts import AT_DPC, FROM_DPC, LOCK

_DPC = "Dpc = KDPC()\n"


_LIST = """
pending = Int(0, 3, volatile=True)
Dpc = KDPC()
def Isr(self, Interrupt, ServiceContext):
    if self.nic.masked or not self.nic.cause:
        return FALSE
    self.nic.cause = 0
    if self.pending < 3:
        InterlockedIncrement(self.pending)
    KeInsertQueueDpc(self.Dpc)
    return TRUE
"""
_WORKS = '''
class Nic(Device):
    """Each event leaves a piece of work."""

    cause = Bit(0)
    work = Int(0, 2)
    masked = Bit(1)

    def line(self):
        return self.cause and not self.masked

    def waiting(self):
        return self.work and not self.masked

    @hardware
    def event(self):
        if self.work < 2:
            self.work += 1
            self.cause = 1

    def done_one(self):
        if self.work:
            self.work -= 1

    def done_all(self):
        self.work = 0
'''
_ARGUMENT = """
first = Record()
second = Record()
turn = Bit(0)
Dpc = KDPC()
def Isr(self, Interrupt, ServiceContext):
    if self.nic.masked or not self.nic.cause:
        return FALSE
    self.nic.cause = 0
    self.turn ^= 1
    {queue}
    return TRUE
"""

_DRAIN = (
    Case(
        "R55",
        "dpc-argument-lost",
        "the second argument is dropped with the second insert",
        WIRED + INITIALIZED + NOTHING,
        _ARGUMENT.format(
            queue="KeInsertQueueDpc(self.Dpc, self.first if self.turn else self.second)"
        ),
        _ARGUMENT.format(queue="KeInsertQueueDpc(self.Dpc)"),
        STARTED,
    ),
    Case(
        "R55",
        "unserviced-cause",
        "the DPC serves one piece of work for each run",
        WIRED + QUEUE,
        deferred("self.nic.done_one()"),
        deferred("self.nic.done_all()"),
        STARTED,
        _WORKS,
    ),
    Case(
        "R55",
        "assertion-failed",
        "the DPC expects exactly one piece of work",
        WIRED + INITIALIZED + _LIST,
        deferred("found = InterlockedExchange(self.pending, 0)", "assert found == 1"),
        deferred("found = InterlockedExchange(self.pending, 0)"),
        STARTED,
    ),
    Case(
        "R55",
        "value-out-of-range",
        "the DPC counts one down for each run",
        WIRED + INITIALIZED + _LIST,
        deferred("InterlockedExchange(self.pending, 0)", "InterlockedDecrement(self.pending)"),
        deferred("InterlockedExchange(self.pending, 0)"),
        STARTED,
    ),
)

_RUNS = """
Dpc = KDPC()
def Start(self):
    KeInitializeDpc(self.Dpc, self.Deferred)
def Main(self):
    KeInsertQueueDpc(self.Dpc)
def Other(self):
    KeInsertQueueDpc(self.Dpc)
"""
_TWICE = "start=Drv.Start, concurrently=[Drv.Main, Drv.Other]"


def _itself(broken: str, words: str, common: str, breaks: str, keeps: str) -> Case:
    """A DPC that runs on two processors at once."""
    return Case("R56", broken, words, _RUNS + common, breaks, keeps, _TWICE, processors=2)


_OVERLAP = (
    _itself(
        "data-race",
        "it writes a field",
        "state = Bit(0)\n" + LOCK,
        deferred("self.state = 1"),
        deferred(AT_DPC, "self.state = 1", FROM_DPC),
    ),
    _itself(
        "torn-read-modify-write",
        "it counts",
        "count = Int(0, 1, saturating=True, volatile=True)\n",
        deferred("self.count += 1"),
        deferred("InterlockedOr(self.count, 1)"),
    ),
    _itself(
        "null-dereference",
        "it tests a pointer and takes it in two steps",
        "record = Record()\ncurrent = Reference(Record, volatile=True)\n"
        "def Fill(self):\n    self.current = self.record\n",
        deferred(
            "self.Fill()",
            "if self.current:",
            "    KeInitializeSpinLock(self.current.lock)",
            "    self.current = NULL",
        ),
        deferred(
            "self.Fill()",
            "found = InterlockedExchangePointer(self.current, NULL)",
            "if found:",
            "    KeInitializeSpinLock(found.lock)",
        ),
    ),
    _itself(
        "value-out-of-range",
        "it tests a counter and counts in two steps",
        "count = Int(0, 1, initial=1, volatile=True)\n" + LOCK,
        deferred("if self.count:", "    InterlockedDecrement(self.count)"),
        deferred(AT_DPC, "if self.count:", "    InterlockedDecrement(self.count)", FROM_DPC),
    ),
)

_EVENT = "Done = KEVENT(NotificationEvent, FALSE)\n"
_TIMER = "Timer = KTIMER()\n"
_ITEM = "Item = IO_WORKITEM()\ndef Worker(self, DeviceObject, Context):\n    pass\n"
_WAIT = "KeWaitForSingleObject(self.Done, Executive, KernelMode, FALSE, {timeout})"
_START_DPC = "def Start(self):\n    KeInitializeDpc(self.Dpc, self.Deferred)\n"

_LEVELS = (
    Case(
        "R57",
        "wait-at-dispatch-level",
        "a DPC waits for an event",
        WIRED + QUEUE + _EVENT,
        deferred(_WAIT.format(timeout="NULL")),
        deferred(_WAIT.format(timeout="LARGE_INTEGER(0)")),
        STARTED,
    ),
    Case(
        "R57",
        "wait-at-dispatch-level",
        "a DPC sleeps",
        WIRED + QUEUE,
        deferred("KeDelayExecutionThread(KernelMode, FALSE, 1)"),
        deferred("KeStallExecutionProcessor(1)"),
        STARTED,
    ),
    Case(
        "R63",
        "irql-too-high",
        "a service routine queues a work item",
        WIRED + CONNECT + _ITEM,
        SERVE.replace(
            "    return TRUE", "    IoQueueWorkItem(self.Item, self.Worker)\n    return TRUE"
        ),
        SERVE,
        STARTED,
    ),
    Case(
        "R63",
        "irql-too-high",
        "a routine under KeSynchronizeExecution queues a work item",
        WIRED + CONNECT + SERVE + _ITEM + main("KeSynchronizeExecution(self.Interrupt, self.Go)"),
        "def Go(self, SynchronizeContext):\n    IoQueueWorkItem(self.Item, self.Worker)\n"
        "    return TRUE\n",
        "def Go(self, SynchronizeContext):\n    return TRUE\n",
    ),
    Case(
        "R64",
        "irql-too-high",
        "KeFlushQueuedDpcs at APC_LEVEL",
        "",
        main("KeRaiseIrql(APC_LEVEL, OldIrql)", "KeFlushQueuedDpcs()", "KeLowerIrql(OldIrql)"),
        main("KeFlushQueuedDpcs()"),
        MAIN,
    ),
    Case(
        "R64",
        "irql-too-high",
        "KeFlushQueuedDpcs in a DPC",
        WIRED + QUEUE,
        deferred("KeFlushQueuedDpcs()"),
        deferred("pass"),
        STARTED,
    ),
    Case(
        "R64",
        "use-after-free",
        "the service routine goes on queuing after the flush",
        WIRED + QUEUE + "record = Record()\n" + deferred("self.record.value = 1"),
        main(
            "KeFlushQueuedDpcs()",
            "self.nic.masked = 1",
            "IoDisconnectInterrupt(self.Interrupt)",
            "ExFreePool(self.record)",
        ),
        main(
            "self.nic.masked = 1",
            "IoDisconnectInterrupt(self.Interrupt)",
            "KeFlushQueuedDpcs()",
            "ExFreePool(self.record)",
        ),
        processors=2,
    ),
)

_QUEUES = (
    Case(
        "R59",
        "dpc-argument-lost",
        "the DPC of an armed timer is queued by hand",
        _DPC + _TIMER + _START_DPC + deferred("pass"),
        main("KeSetTimer(self.Timer, 1, self.Dpc)", "KeInsertQueueDpc(self.Dpc)"),
        main("KeSetTimer(self.Timer, 1, self.Dpc)"),
    ),
    Case(
        "R59",
        "dpc-argument-lost",
        "a service routine queues the DPC of the watchdog",
        WIRED + QUEUED + INITIALIZED + _TIMER + deferred("pass"),
        main("KeSetTimerEx(self.Timer, 1, 1, self.Dpc)", "KeCancelTimer(self.Timer)"),
        main("KeSetTimerEx(self.Timer, 1, 1, NULL)", "KeCancelTimer(self.Timer)"),
    ),
    Case(
        "R61",
        "work-item-queued-twice",
        "it is queued again before it has run",
        _ITEM,
        main("IoQueueWorkItem(self.Item, self.Worker)", "IoQueueWorkItem(self.Item, self.Worker)"),
        main("IoQueueWorkItem(self.Item, self.Worker)"),
        MAIN,
    ),
    Case(
        "R61",
        "work-item-queued-twice",
        "two interrupts come before it has run",
        WIRED
        + QUEUE
        + _ITEM.replace("pass", "InterlockedExchange(self.busy, 0)")
        + "busy = Bit(0)\n",
        deferred("IoQueueWorkItem(self.Item, self.Worker)"),
        deferred(
            "if not InterlockedExchange(self.busy, 1):",
            "    IoQueueWorkItem(self.Item, self.Worker)",
        ),
        STARTED,
    ),
)

_RECORD = "record = Record()\n"
_RECORD_DPC = _RECORD + "def Start(self):\n    KeInitializeDpc(self.record.dpc, self.Deferred)\n"
_WORKER = "def Worker(self, DeviceObject, Context):\n    pass\n"

_FREED = (
    Case(
        "R60",
        "free-while-queued",
        "memory with a queued DPC is freed",
        _RECORD_DPC + deferred("pass"),
        main(
            "KeRaiseIrql(DISPATCH_LEVEL, OldIrql)",
            "KeInsertQueueDpc(self.record.dpc)",
            "ExFreePool(self.record)",
            "KeLowerIrql(OldIrql)",
        ),
        main("KeInsertQueueDpc(self.record.dpc)", "KeFlushQueuedDpcs()", "ExFreePool(self.record)"),
    ),
    Case(
        "R60",
        "free-while-queued",
        "memory with an armed timer is freed",
        _RECORD,
        main("KeSetTimer(self.record.timer, 1)", "ExFreePool(self.record)"),
        main(
            "KeSetTimer(self.record.timer, 1)",
            "KeCancelTimer(self.record.timer)",
            "ExFreePool(self.record)",
        ),
        MAIN,
    ),
    Case(
        "R60",
        "free-while-queued",
        "memory with a queued work item is freed",
        _RECORD + _WORKER,
        main("IoQueueWorkItem(self.record.item, self.Worker)", "ExFreePool(self.record)"),
        main("ExFreePool(self.record)"),
        MAIN,
    ),
    Case(
        "R60",
        "free-while-queued",
        "a queued work item is freed",
        _ITEM,
        main("IoQueueWorkItem(self.Item, self.Worker)", "IoFreeWorkItem(self.Item)"),
        main("IoFreeWorkItem(self.Item)"),
        MAIN,
    ),
    Case(
        "R60",
        "free-while-queued",
        "a queued DPC is initialised again",
        _DPC + _START_DPC + deferred("pass"),
        main(
            "KeRaiseIrql(DISPATCH_LEVEL, OldIrql)",
            "KeInsertQueueDpc(self.Dpc)",
            "KeInitializeDpc(self.Dpc, self.Deferred)",
            "KeLowerIrql(OldIrql)",
        ),
        main(
            "KeInsertQueueDpc(self.Dpc)",
            "KeFlushQueuedDpcs()",
            "KeInitializeDpc(self.Dpc, self.Deferred)",
        ),
    ),
    Case(
        "R60",
        "use-after-free",
        "the DPC runs in memory that is freed",
        _RECORD_DPC + deferred("self.record.value = 1"),
        main("KeInsertQueueDpc(self.record.dpc)", "ExFreePool(self.record)"),
        main("KeInsertQueueDpc(self.record.dpc)", "KeFlushQueuedDpcs()", "ExFreePool(self.record)"),
        processors=2,
    ),
    Case(
        "R60",
        "queue-left-pending",
        "the driver goes while a timer in it is armed",
        WIRED + CONNECT + SERVE + _TIMER,
        "def Remove(self):\n    KeSetTimer(self.Timer, 1)\n    self.nic.masked = 1\n"
        "    IoDisconnectInterrupt(self.Interrupt)\n",
        "def Remove(self):\n    KeSetTimer(self.Timer, 1)\n    self.nic.masked = 1\n"
        "    IoDisconnectInterrupt(self.Interrupt)\n    KeCancelTimer(self.Timer)\n",
        REMOVED,
    ),
)

CASES = (*_DRAIN, *_OVERLAP, *_LEVELS, *_QUEUES, *_FREED)
