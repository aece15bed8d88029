"""A Hypothesis strategy for drivers with few states and many ways to use locals.

`tests/language/sources.py` makes drivers as they are written; these are short, so that the oracle
can look at all of them, and full of what a compiler of locals can get wrong: values kept across
calls and locks, loops over data, branches on old values, results, one routine at several levels.
"""

from textwrap import indent

from hypothesis import strategies as st

from .more_statements import (
    CONNECT,
    CONNECT_EX,
    EARLY,
    KNOBS,
    LOCK_FIELDS,
    LOCKS_ANYWHERE,
    LOCKS_PASSIVE,
    LOCKS_RAISED,
)

HEADER = '''"""A small random driver."""
from dirql.model.wdk import *


class Nic(Device):
    cause = Bit(0)
    masked = Bit(1)

    def line(self):
        return self.cause and not self.masked

%s    def both(self):
        return self.take() + self.take()

    def take(self):
        c = self.cause
        self.cause = 0
        return c


class Record(Structure):
    value = Int(0, 1, volatile=True)


class Sample(Driver):
    nic = Nic(Line(irql=5, mode=%s, shared=%s))
    Interrupt = PKINTERRUPT()
    pdo = DEVICE_OBJECT()
    dpc = KDPC()
    lock = KSPIN_LOCK()
    done = KEVENT(%s, FALSE)
    x = Int(0, 2, wrapping=True)
    y = Int(0, 2, saturating=True)
    ring = Array(Bit(), 2)
    callback = RoutineReference("Bump", "Pick")
    timer = KTIMER()
    item = IO_WORKITEM()
    record = Record()
    pointer = Reference(Record)
%s
    def StartDevice(self):
        KeInitializeDpc(self.dpc, self.Deferred, self)
        self.pointer = self.record
%s
    def Locked(self, amount):
        KeAcquireSpinLock(self.lock, before)
        was = self.x
        if was == 1 and amount:
            KeReleaseSpinLock(self.lock, before)
            return 0
        self.x = amount
        KeReleaseSpinLock(self.lock, before)
        return was

    def Raised(self, amount):
        KeAcquireSpinLockAtDpcLevel(self.lock)
        if self.x != amount:
            self.x = amount
        KeReleaseSpinLockFromDpcLevel(self.lock)

    def Look(self, Context):
        return Context.value

    def Bump(self, amount):
        self.x += amount
        return self.y

    def Pick(self, which):
        if which == 1:
            return self.ring[which]
        return which + 1
'''
_EVENT = """    @hardware
    def event(self):
        self.cause = 1

"""
_FIELDS = {
    "more locks": LOCK_FIELDS,
    "queues": "    work = Queue(Bit(), 2)\n    late = Queue(Reference(Record), 1)\n",
    "timers": "    tick = KDPC()\n",
    "two DPCs": "    again = KDPC()\n    other = KEVENT(SynchronizationEvent, FALSE)\n",
    "three DPCs": "    again = KDPC()\n    third = KDPC()\n",
    "two interrupts": (
        "    second = Nic(Line(irql=<level>, mode=LevelSensitive))\n"
        "    Another = PKINTERRUPT()\n"
        "    shared = KSPIN_LOCK()\n"
    ),
}
_VALUES = ("a", "b", "a + 1", "a ^ b", "1", "self.x", "self.ring[0]", "choose(0, 1)", "not a")
_CONDITIONS = (
    "a",
    "a == b",
    "b < 1",
    "self.x",
    "not self.y",
    "a and self.ring[1]",
    "self.Interrupt",
)
_ANYWHERE = (
    "a = {value}\n",
    "b = {value}\n",
    "self.x = a\n",
    "self.y += a & 1\n",
    "self.ring[a & 1] = b & 1\n",
    "b = self.ring[b & 1]\n",
    "a = self.Pick(b)\n",
    "b = self.Bump(a & 1)\n",
    "self.nic.masked = a & 1\n",
    "a = self.nic.take()\n",
    "b = self.nic.both()\n",
    "self.x = InterlockedExchange(self.y, 1)\n",
    "a = InterlockedExchange(self.y, b & 1)\n",
    "InterlockedOr(self.ring[0], b & 1)\n",
    "b = InterlockedIncrement(self.x)\n",
    "b = InterlockedDecrement(self.y)\n",
    "a = InterlockedCompareExchange(self.y, 1, b & 1)\n",
    "b = InterlockedExchangeAdd(self.x, a & 1)\n",
    "InterlockedAnd(self.ring[1], a & 1)\n",
    "b = InterlockedXor(self.y, 1)\n",
    "a = b if {condition} else {value}\n",
    "assert a <= 2\n",
    "self.callback = self.Pick\n",
    "if self.callback:\n    b = self.callback(a & 1)\n",
    "if {condition}:\n    a = {value}\nelse:\n    self.x = b\n",
    "if {condition}:\n    self.y = {value}\n",
    "while a < 2:\n    a = a + 1\n",
    "while a < 2:\n    a = a + 1\n    b = self.x\n",
    "for i in range(2):\n    self.ring[i] = a & 1\n",
    "for i in range(2):\n    if self.ring[i]:\n        b = i\n        break\n",
    "for i in range(2):\n    if i == b:\n        continue\n    self.ring[i] = 1\n",
    "while self.x:\n    self.x = 0\n",
    "if {condition}:\n    a = 0\nelif b:\n    self.y = a & 1\nelse:\n    b = {value}\n",
    "KeInsertQueueDpc(self.dpc, NULL, NULL)\n",
    "KeInsertQueueDpc(self.dpc, 1, NULL)\n",
    "a = KeInsertQueueDpc(self.dpc, NULL, NULL)\n",
    "b = KeRemoveQueueDpc(self.dpc)\n",
)
_ANSWERS = (
    "return Context\n",
    "return Context\n",
    "return self.x\n",
    "return (self.x << 7) | self.y\n",
    "return Context - 1 & 0x102\n",
    "return a + b if Context else 0x100 & a - 1\n",
)
"""What a SynchCritSection routine answers: its BOOLEAN is an unsigned char."""
_STATUSES = ("status", "0xC0000001", "0xC000009A if self.x else status", "self.x - 1", "0x40000000")
_RAISED = (
    "KeAcquireSpinLockAtDpcLevel(self.lock)\n{inner}KeReleaseSpinLockFromDpcLevel(self.lock)\n",
    "a = KeSynchronizeExecution(self.Interrupt, self.Synchronised, b)\na = (a ^ (a >> 7)) & 3\n",
    "KeSetEvent(self.done, 0, FALSE)\n",
    "self.Raised(a & 1)\n",
    "a = KeWaitForSingleObject(self.done, Executive, KernelMode, FALSE, LARGE_INTEGER(0)) & 1\n",
)
_PASSIVE = (
    "KeAcquireSpinLock(self.lock, old)\n{inner}KeReleaseSpinLock(self.lock, old)\n",
    "KeRaiseIrql(DISPATCH_LEVEL, old)\n{inner}KeLowerIrql(old)\n",
    (
        "if self.Interrupt:\n"
        "    b = KeSynchronizeExecution(self.Interrupt, self.Synchronised, a)\n"
        "    b = (b ^ (b >> 7)) & 3\n"
    ),
    "KeSetEvent(self.done, 0, FALSE)\n",
    "KeWaitForSingleObject(self.done, Executive, KernelMode, FALSE, NULL)\n",
    "a = KeWaitForSingleObject(self.done, Executive, KernelMode, FALSE, LARGE_INTEGER(0)) & 1\n",
    "KeFlushQueuedDpcs()\n",
    "a = self.Locked(b & 1)\n",
    "old = KeRaiseIrqlToDpcLevel()\n{inner}self.Raised(b & 1)\nKeLowerIrql(old)\n",
    "old = KeAcquireSpinLockRaiseToDpc(self.lock)\n{inner}KeReleaseSpinLock(self.lock, old)\n",
)
_WORK = "IoQueueWorkItem(self.item, self.Work, DelayedWorkQueue, NULL)\n"
_SPECIAL: dict[str, tuple[str, ...]] = {
    "more locks": LOCKS_ANYWHERE,
    "nothing": (),
    "events": (
        "KeSetEvent(self.done, 0, FALSE)\n",
        "KeClearEvent(self.done)\n",
        "a = KeResetEvent(self.done)\n",
    ),
    "timers": (
        "KeSetTimer(self.timer, 1, self.tick)\n",
        "a = KeSetTimer(self.timer, 1, NULL)\n",
        "a = KeSetTimer(self.timer, 0, self.tick)\n",
        "a = KeSetTimerEx(self.timer, 1, 1, self.tick)\n",
        "a = KeCancelTimer(self.timer)\n",
    ),
    "work items": (_WORK, "if not InterlockedExchange(self.y, 1):\n    " + _WORK),
    "memory": (
        "ExFreePool(self.record)\n",
        "self.record.value = a & 1\n",
        "p = self.pointer\nif p:\n    b = p.value\n",
        "p = InterlockedExchangePointer(self.pointer, NULL)\nif p:\n    ExFreePool(p)\n",
        "p = self.pointer\nif p:\n    ExFreePool(p)\n",
    ),
    "stacks": (
        "p = self.pointer\nif p:\n    b = p.value\n",
        "p = self.pointer\nif p:\n    p.value = a & 1\n",
        "self.pointer = NULL\n",
        "p = InterlockedExchangePointer(self.pointer, NULL)\nif p:\n    ExFreePool(p)\n",
    ),
    "queues": (
        "if not self.work.full():\n    self.work.append(a & 1)\n",
        "if not self.work.empty():\n    b = self.work.pop()\n",
        "a = self.work.count()\na = a & 1\n",
        (
            "KeAcquireSpinLock(self.lock, q)\n"
            "self.work.append(b & 1)\n"
            "KeReleaseSpinLock(self.lock, q)\n"
        ),
        "if self.late.empty():\n    self.late.append(self.record)\n",
        "if self.late.full():\n    p = self.late.pop()\n    p.value = a & 1\n",
    ),
    "two DPCs": (
        "KeInsertQueueDpc(self.again, NULL, NULL)\n",
        "b = KeRemoveQueueDpc(self.again)\n",
        "KeSetEvent(self.other, 0, FALSE)\n",
    ),
    "three DPCs": (
        "KeInsertQueueDpc(self.again, NULL, NULL)\n",
        "KeInsertQueueDpc(self.third, NULL, NULL)\n",
        "KeInsertQueueDpc(self.dpc, NULL, NULL)\nKeInsertQueueDpc(self.again, NULL, NULL)\n",
        "b = KeRemoveQueueDpc(self.again)\n",
        "KeSetImportanceDpc(self.third, HighImportance)\n",
        "KeSetImportanceDpc(self.third, MediumImportance)\n",
        "KeSetTimer(self.timer, 1, self.third)\n",
    ),
    "two interrupts": (
        "self.second.masked = a & 1\n",
        "b = self.second.take()\n",
        (
            "if self.Another:\n"
            "    a = KeSynchronizeExecution(self.Another, self.Synchronised, b & 1) & 3\n"
        ),
        "if self.Another:\n    IoDisconnectInterrupt(self.Another)\n",
    ),
    "locks": (
        "IoAcquireCancelSpinLock(irql)\n{inner}IoReleaseCancelSpinLock(irql)\n",
        (
            "if self.Interrupt:\n"
            "    level = KeAcquireInterruptSpinLock(self.Interrupt)\n"
            "    self.x = a & 1\n"
            "    KeReleaseInterruptSpinLock(self.Interrupt, level)\n"
        ),
        (
            "level = KeAcquireInterruptSpinLock(self.Interrupt)\n"
            "{inner}KeReleaseInterruptSpinLock(self.Interrupt, level)\n"
        ),
        (
            "level = KeRaiseIrqlToDpcLevel()\n"
            "KeAcquireSpinLockAtDpcLevel(self.lock)\n"
            "IoAcquireCancelSpinLock(irql)\n"
            "KeReleaseSpinLockFromDpcLevel(self.lock)\n"
            "{inner}IoReleaseCancelSpinLock(irql)\n"
            "KeLowerIrql(level)\n"
        ),
        (
            "KeAcquireSpinLock(self.lock, before)\n"
            "IoAcquireCancelSpinLock(irql)\n"
            "KeReleaseSpinLock(self.lock, before)\n"
            "{inner}IoReleaseCancelSpinLock(irql)\n"
        ),
    ),
}
_SPECIAL_PASSIVE: dict[str, tuple[str, ...]] = {
    "more locks": LOCKS_PASSIVE,
    "two DPCs": (
        "KeWaitForSingleObject(self.other, Executive, KernelMode, FALSE, NULL)\n",
        "KeFlushQueuedDpcs()\n",
    ),
    "events": (
        "a = KeWaitForSingleObject(self.done, Timeout=LARGE_INTEGER(-1)) & 1\n",
        "KeWaitForSingleObject(self.done, Executive, KernelMode, FALSE, NULL)\n",
    ),
    "timers": (
        "KeWaitForSingleObject(self.timer, Executive, KernelMode, FALSE, NULL)\n",
        "KeWaitForSingleObject(self.timer, Executive, KernelMode, FALSE, LARGE_INTEGER(-1))\n",
    ),
}
_LOCAL = (
    "context.value = b & 1\n",
    "b = context.value\n",
    "self.pointer = context\n",
    "self.pointer = context\n",
    "if self.pointer == context:\n    self.pointer = NULL\n",
    "if self.Interrupt:\n    b = KeSynchronizeExecution(self.Interrupt, self.Look, context)\n",
)
"""What threads do with a structure on their stack."""
_LARGE = ("work items", "locks", "more locks", "two interrupts")
"""Kinds of drivers that have one thread, for they have many states."""

_TRY = (
    (
        "if KeTryToAcquireSpinLockAtDpcLevel(self.lock):\n"
        "    self.x = b & 1\n"
        "    KeReleaseSpinLockFromDpcLevel(self.lock)\n"
    ),
)
_RAISED_ONLY = {"locks": _TRY, "more locks": LOCKS_RAISED}
"""What only routines at DISPATCH_LEVEL do."""

_FAULTS = (
    "KeWaitForSingleObject(self.done, Executive, KernelMode, FALSE, NULL)\n",
    "KeAcquireSpinLockAtDpcLevel(self.lock)\n",
    "KeAcquireSpinLock(self.lock, new)\n",
    "KeReleaseSpinLockFromDpcLevel(self.lock)\n",
    "KeRaiseIrql(7, new)\n",
    "KeLowerIrql(PASSIVE_LEVEL)\n",
    "KeSynchronizeExecution(self.Interrupt, self.Synchronised, 0)\n",
    "KeFlushQueuedDpcs()\n",
    "self.ring[a + b] = 1\n",
    "self.callback(1)\n",
    "IoDisconnectInterrupt(self.Interrupt)\n",
    "IoDisconnectInterrupt(self.Interrupt)\nself.Interrupt = NULL\n",
    "self.Interrupt = NULL\n",
    "KeSetEvent(self.done, 0, FALSE)\n",
    "self.nic.masked = 1\n",
    "self.x = 1\nassert a == b\n",
    "assert self.y != 1\n",
    "KeSetTimer(self.timer, 1, self.dpc)\n",
    "if {condition}:\n    return\n",
)


@st.composite
def _statement(draw: st.DrawFn, kinds: tuple[str, ...]) -> str:
    text = draw(st.sampled_from(kinds))
    inside = draw(st.sampled_from((_ANYWHERE, _ANYWHERE, _FAULTS)))
    inner = "".join(draw(st.lists(_statement(inside), max_size=1))) if "{inner}" in text else ""
    return text.format(
        value=draw(st.sampled_from(_VALUES)),
        condition=draw(st.sampled_from(_CONDITIONS)),
        inner=inner,
    )


@st.composite
def _body(draw: st.DrawFn, kinds: tuple[str, ...], most: int) -> str:
    found = draw(st.lists(_statement(kinds), min_size=1, max_size=most))
    if draw(st.integers(0, 3)) == 0:
        found.insert(draw(st.integers(0, len(found))), draw(_statement(_FAULTS)))
    return "a = 0\nb = 1\n" + "".join(found)


@st.composite
def _service_routine(draw: st.DrawFn) -> str:
    return draw(
        st.sampled_from(
            (
                "return self.nic.take()\n",
                "self.nic.masked = 1\nKeInsertQueueDpc(self.dpc, NULL, NULL)\nreturn TRUE\n",
                "if not self.nic.cause:\n    return FALSE\nself.nic.cause = 0\nreturn TRUE\n",
                "self.nic.cause = 0\nreturn FALSE\n",
                "KeInsertQueueDpc(self.dpc, NULL, NULL)\nreturn FALSE\n",
                "KeInsertQueueDpc(self.dpc, NULL, NULL)\nreturn self.nic.take()\n",
                "return self.nic.take() << 8\n",
                "found = self.nic.take()\nreturn found and self.x + 0xFF\n",
                "if self.x:\n    return self.nic.both()\nreturn FALSE\n",
            )
        )
    )


@st.composite
def _start(draw: st.DrawFn, kind: str) -> str:
    """What `StartDevice` does beside what it always does."""
    number = draw(st.integers(0, 7))
    text = f"        KeSetTargetProcessorDpc(self.dpc, {number})\n" if number < 2 else ""
    if kind == "more locks":
        text += "        IoInitializeRemoveLock(self.removal)\n"
    if kind == "timers":
        text += "        KeInitializeDpc(self.tick, self.Deferred, self)\n"
    if kind == "two DPCs":
        text += "        KeInitializeDpc(self.again, self.Deferred, self)\n"
    if kind == "three DPCs":
        text += "        KeInitializeDpc(self.again, self.Later, self)\n"
        text += "        KeInitializeDpc(self.third, self.Latest, self)\n"
        importance = draw(st.sampled_from(("Low", "Medium", "High", "High")))
        text += f"        KeSetImportanceDpc(self.again, {importance}Importance)\n"
    if kind == "two interrupts":
        lock = draw(st.sampled_from(("", ", SpinLock=self.shared, SynchronizeIrql=<highest>")))
        text += "        IoConnectInterrupt(self.Another, self.Served, self, "
        text += f"Vector=self.second.Vector{lock})\n"
        first = CONNECT.replace("self)", f"self, Vector=self.nic.Vector{lock})")
        return text + draw(
            st.sampled_from(("        self.second.masked = 0\n        return 0\n", first))
        )
    status = draw(st.sampled_from(_STATUSES))
    connect = draw(st.sampled_from((CONNECT, CONNECT, CONNECT_EX, EARLY + CONNECT)))
    return text + connect.replace("return status", f"return {status}")


@st.composite
def _routines(draw: st.DrawFn, kind: str, threads: list[str], *, above: bool) -> dict[str, str]:
    """The bodies of the routines that Windows calls, by their heads."""
    special, passive = _SPECIAL[kind], _SPECIAL_PASSIVE.get(kind, ())
    raised = _ANYWHERE + _RAISED + _RAISED_ONLY.get(kind, ()) + special * 3
    routines = {
        "Service(self, Interrupt, ServiceContext)": draw(_service_routine()),
        "Synchronised(self, Context)": (
            draw(_body(_ANYWHERE, 1))
            .replace("return\n", "return 0\n")
            .replace("self.Synchronised, 0", "self.Pick, 0")  # it would call itself
            + draw(st.sampled_from(_ANSWERS))
        ),
        "Deferred(self, Dpc, Context)": draw(_body(raised, 2)),
    }
    if kind == "two interrupts":
        served = draw(_service_routine()).replace("nic", "second")
        routines["Served(self, Interrupt, ServiceContext)"] = served
    if kind == "three DPCs":
        routines["Later(self, Dpc, Context)"] = "self.x = 1\n"
        routines["Latest(self, Dpc, Context)"] = draw(_body(_ANYWHERE, 1))
    if kind == "work items":
        routines["Work(self, Device, Context)"] = draw(_body(_ANYWHERE + _PASSIVE, 1))
    for name in threads:
        usual = raised if above and name == "Thread0" else _ANYWHERE + (_PASSIVE + passive) * 2
        most = 1 if kind in _LARGE else 2
        if kind == "stacks":
            local = _body(usual + (special + _LOCAL) * 3, 1 + most)
            routines[f"{name}(self)"] = "context = Record()\n" + draw(local)
            continue
        routines[f"{name}(self)"] = draw(_body(usual + special * 4, 1 + most))
    return routines


@st.composite
def small_drivers(draw: st.DrawFn) -> str:
    """The source text of a driver with a device or two, DPCs and one or two short threads.

    Often the device does nothing: without interrupts there are so few states that threads, timers
    and DPCs are seen to their end, on two processors as well.
    """
    kind = draw(st.sampled_from(sorted(_SPECIAL)))
    most = 1 if kind in _LARGE else 2
    threads = [f"Thread{number}" for number in range(draw(st.integers(1, most)))]
    above = draw(st.integers(0, 3)) == 0
    routines = draw(_routines(kind, threads, above=above))
    last = draw(st.sampled_from(("", ", finally_=Sample.Remove")))
    if last:
        routines["Remove(self)"] = (
            "self.nic.masked = 1\nif self.Interrupt:\n    IoDisconnectInterrupt(self.Interrupt)\n"
        )
    mode, shared = draw(st.sampled_from(("LevelSensitive", "Latched"))), draw(st.booleans())
    level = draw(st.sampled_from((4, 5, 6, 7)))
    event = draw(st.sampled_from(("NotificationEvent", "SynchronizationEvent")))
    start = draw(_start(kind))
    happens = draw(st.sampled_from((_EVENT, "")))
    start = start.replace("{mode}", mode).replace("{shared}", str(shared).upper())
    text = HEADER % (happens, mode, shared, event, _FIELDS.get(kind, ""), start)
    for head, body in routines.items():
        text += f"\n    def {head}:\n{indent(body, ' ' * 8)}"
    entries = [f"Sample.{name}" for name in threads]
    if above:
        entries[0] = f"At(DISPATCH_LEVEL, {entries[0]})"
    text = text.replace("<level>", str(level)).replace("<highest>", str(max(level, 5)))
    return (
        f"{text}\n\nscenario = Scenario(start=Sample.StartDevice, "
        f"concurrently=[{', '.join(entries)}]{last}, knobs={draw(_knobs())})\n"
    )


@st.composite
def _knobs(draw: st.DrawFn) -> dict[str, str]:
    """Often none; else one or two off their defaults."""
    chosen = draw(st.lists(st.sampled_from(KNOBS), max_size=2, unique_by=lambda item: item[0]))
    return {name: draw(st.sampled_from(values)) for name, values in chosen}
