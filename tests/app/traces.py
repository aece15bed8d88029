"""Traces made by hand, for tests of what is printed."""

from dataclasses import replace

from dirql.explorer.trace import Step, Trace, Violation
from dirql.model.domain import Value
from dirql.model.machine import Source

Change = tuple[str, Value, Value]

NOWHERE = Source()


def line(number: int, routine: str, text: str) -> Source:
    """A line of a made-up driver."""
    return Source("patterns/pcidrv_stop.py", number, routine, text)


def step(
    name: str,
    context: str,
    place: tuple[str, int],
    *changes: Change,
    source: Source = NOWHERE,
) -> Step:
    """A step of `context` at `place`: processor and IRQL; its index is of no interest."""
    return Step(0, name, context, *place, changes, source)


def counter(context: str, before: str, after: str) -> Change:
    """`context` goes from one program point to another."""
    return (f"at {context}", before, after)


CONNECT = line(41, "StartDevice", "status = IoConnectInterrupt(self.Interrupt, self.NICIsr)")
UNMASK = line(43, "StartDevice", "self.nic.masked = 0")
IS_OURS = line(47, "NICIsr", "if not self.nic.cause:")
REQUEST = line(49, "NICIsr", "IoRequestDpc(self.dpc)")
SYNCHRONIZE = line(52, "NICDpc", "KeSynchronizeExecution(self.Interrupt, self.unmask)")
DISCONNECT = line(61, "StopDevice", "IoDisconnectInterrupt(self.Interrupt)")

ISR = "nic interrupt@P1"
DPC = "DPC@P1"
LOCK = "owner of lock of NICIsr interrupt"
STATE = "NICIsr interrupt is"

DEAD_INTERRUPT = Trace(
    machine="pcidrv_stop / stop / 2 processors",
    digest="0" * 64,
    initial=(
        ("at StartDevice", "start"),
        ("at StopDevice", "start"),
        ("at nic interrupt@P1", "idle"),
        ("at DPC@P1", "idle"),
        ("processor of StartDevice", "none"),
        ("processor of StopDevice", "none"),
        ("nic.masked", 1),
        ("nic.cause", 0),
        ("nic never quiet on P1", False),
        ("driver.Interrupt", "NULL"),
        (STATE, "unused"),
        (LOCK, "none"),
        ("dpc queued on", "none"),
    ),
    steps=(
        step(
            "IoConnectInterrupt arms the vector",
            "StartDevice",
            ("P0", 0),
            counter("StartDevice", "start", "StartDevice:43"),
            (STATE, "unused", "connected"),
            ("driver.Interrupt", "NULL", "NICIsr interrupt"),
            source=CONNECT,
        ),
        step(
            "writes nic.masked",
            "StartDevice",
            ("P0", 0),
            counter("StartDevice", "StartDevice:43", "done"),
            ("nic.masked", 1, 0),
            source=UNMASK,
        ),
        step(
            "nic.packet_arrives",
            "hardware",
            ("", 0),
            ("nic.cause", 0, 1),
            source=line(30, "nic.packet_arrives", "def packet_arrives(self):"),
        ),
        step(
            "nic interrupt accepted",
            ISR,
            ("P1", 0),
            counter(ISR, "idle", "NICIsr interrupt: lock taken"),
            ("nic never quiet on P1", False, True),
        ),
        step(
            "NICIsr interrupt: lock taken",
            ISR,
            ("P1", 7),
            counter(ISR, "NICIsr interrupt: lock taken", "NICIsr:47"),
            (LOCK, "none", ISR),
        ),
        step("reads nic.cause", ISR, ("P1", 7), counter(ISR, "NICIsr:47", "a"), source=IS_OURS),
        step(
            "IoDisconnectInterrupt",
            "StopDevice",
            ("P0", 0),
            counter("StopDevice", "start", "StopDevice:61 IoDisconnectInterrupt frees"),
            (STATE, "connected", "disconnecting"),
            source=DISCONNECT,
        ),
        step(
            "IoRequestDpc",
            ISR,
            ("P1", 7),
            counter(ISR, "a", "NICIsr interrupt: lock released"),
            ("dpc queued on", "none", "P1"),
            source=REQUEST,
        ),
        step(
            "NICIsr interrupt: lock released",
            ISR,
            ("P1", 7),
            counter(ISR, "NICIsr interrupt: lock released", "end of interrupt"),
            (LOCK, ISR, "none"),
        ),
        step("end of interrupt", ISR, ("P1", 7), counter(ISR, "end of interrupt", "idle")),
        step(
            "dpc starts",
            DPC,
            ("P1", 0),
            counter(DPC, "idle", "NICDpc:52"),
            ("dpc queued on", "P1", "none"),
        ),
        step(
            "IoDisconnectInterrupt frees the interrupt object",
            "StopDevice",
            ("P0", 0),
            counter("StopDevice", "StopDevice:61 IoDisconnectInterrupt frees", "done"),
            (STATE, "disconnecting", "disconnected"),
            source=DISCONNECT,
        ),
        step("KeSynchronizeExecution", DPC, ("P1", 2), source=SYNCHRONIZE),
    ),
    violation=Violation(
        "synchronize-on-dead-interrupt",
        "KeSynchronizeExecution is called with NICIsr interrupt, which is disconnected",
        "0xD1 DRIVER_IRQL_NOT_LESS_OR_EQUAL",
        at_step=True,
        contexts=(DPC,),
    ),
)

DATA_RACE = replace(
    DEAD_INTERRUPT,
    steps=DEAD_INTERRUPT.steps[:5],
    violation=Violation(
        "data-race",
        "StopDevice and nic interrupt@P1 can touch driver.pending at the same time.",
        "",
        at_step=False,
        contexts=("StopDevice", ISR),
    ),
)

STUCK = replace(
    DEAD_INTERRUPT,
    steps=(),
    violation=Violation(
        "stuck-context", "StartDevice can never go on", "", at_step=False, contexts=("StartDevice",)
    ),
)

ACQUIRE = line(5, "Start", "KeAcquireSpinLock(self.lock, OldIrql)")
SYNCHRONOUSLY = line(8, "Start", "KeSynchronizeExecution(self.Interrupt, self.count)")

SPIN_LOCKS = replace(
    DEAD_INTERRUPT,
    initial=(
        ("at Start", "start"),
        ("processor of Start", "none"),
        ("owner of lock", "none"),
        (LOCK, "none"),
        ("driver.x", 0),
        ("Start.count.number", 0),
        ("Start.count.%1", 0),
    ),
    steps=(
        step(
            "KeAcquireSpinLock",
            "Start",
            ("P1", 0),
            counter("Start", "start", "Start:5 KeAcquireSpinLock takes lock"),
            ("processor of Start", "none", "P1"),
            source=ACQUIRE,
        ),
        step(
            "KeAcquireSpinLock takes lock",
            "Start",
            ("P1", 2),
            counter("Start", "Start:5 KeAcquireSpinLock takes lock", "Start:8"),
            ("owner of lock", "none", "Start"),
            source=ACQUIRE,
        ),
        step(
            "KeSynchronizeExecution",
            "Start",
            ("P1", 2),
            counter("Start", "Start:8", "Start:8 KeSynchronizeExecution takes it at DIRQL 7"),
            source=SYNCHRONOUSLY,
        ),
        step(
            "KeSynchronizeExecution takes the interrupt lock at DIRQL 7",
            "Start",
            ("P1", 7),
            counter("Start", "Start:8 KeSynchronizeExecution takes it at DIRQL 7", "count:2"),
            (LOCK, "none", "Start"),
            source=SYNCHRONOUSLY,
        ),
        step(
            "reads driver.x",
            "Start",
            ("P1", 7),
            counter("Start", "count:2", "count:3"),
            ("Start.count.number", 0, 4),
            ("Start.count.%1", 0, 1),
            source=line(2, "count", "number = self.x + 4"),
        ),
        step(
            "writes driver.x",
            "Start",
            ("P1", 7),
            counter("Start", "count:3", "Start:8 released"),
            ("Start.count.number", 4, 0),
            source=line(3, "count", "self.x = 0 * number"),
        ),
        step(
            "KeSynchronizeExecution releases the interrupt lock",
            "Start",
            ("P1", 7),
            counter("Start", "Start:8 released", "Start:9"),
            (LOCK, "Start", "none"),
            source=SYNCHRONOUSLY,
        ),
        step(
            "KeReleaseSpinLock releases lock",
            "Start",
            ("P1", 2),
            counter("Start", "Start:9", "Start:10 (IRQL falls)"),
            ("owner of lock", "Start", "none"),
            source=line(9, "Start", "KeReleaseSpinLock(self.lock, OldIrql)"),
        ),
        step(
            "IRQL falls",
            "Start",
            ("P1", 0),
            counter("Start", "Start:10 (IRQL falls)", "Start:10"),
            ("processor of Start", "P1", "none"),
            source=line(10, "Start", "assert self.x"),
        ),
        step("reads driver.x", "Start", ("P0", 0), source=line(10, "Start", "assert self.x")),
    ),
    violation=Violation("assertion-failed", "x is set", "", at_step=True, contexts=("Start",)),
)
"""A thread that raises its IRQL twice, and falls by way of DISPATCH_LEVEL."""
