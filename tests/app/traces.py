"""Traces made by hand, for tests of what is printed."""

from dataclasses import replace

from dirql.explorer.trace import Step, Trace, Violation
from dirql.model.machine import Source


def line(number: int, routine: str, text: str) -> Source:
    """A line of a made-up driver."""
    return Source("patterns/pcidrv_stop.py", number, routine, text)


SYNCHRONIZE = line(52, "NICDpc", "KeSynchronizeExecution(self.Interrupt, self.unmask)")
DISCONNECT = line(61, "StopDevice", "IoDisconnectInterrupt(self.Interrupt)")

DEAD_INTERRUPT = Trace(
    machine="pcidrv_stop / stop / 2 processors",
    digest="0" * 64,
    initial=(
        ("at StartDevice", "start"),
        ("processor of StopDevice", "none"),
        ("nic.masked", 1),
        ("nic.cause", 0),
        ("driver.Interrupt", "NULL"),
        ("NICIsr interrupt is", "unused"),
    ),
    steps=(
        Step(
            3,
            "IoConnectInterrupt connects NICIsr interrupt",
            "StartDevice",
            "P0",
            0,
            (
                ("at StartDevice", "start", "41:1"),
                ("NICIsr interrupt is", "unused", "connected"),
                ("driver.Interrupt", "NULL", "NICIsr interrupt"),
            ),
            line(41, "StartDevice", "status = IoConnectInterrupt(self.Interrupt, self.NICIsr)"),
        ),
        Step(
            4,
            "self.nic.masked = 0",
            "StartDevice",
            "P0",
            0,
            (("at StartDevice", "41:1", "end"), ("nic.masked", 1, 0)),
            line(43, "StartDevice", "self.nic.masked = 0"),
        ),
        Step(9, "packet_arrives", "nic", "", 0, (("nic.cause", 0, 1),), Source()),
        Step(
            12,
            "IoRequestDpc queues dpc",
            "ISR on P1",
            "P1",
            7,
            (("dpc queued on P1", False, True), ("at ISR on P1", "49:0", "50:0")),
            line(49, "NICIsr", "IoRequestDpc(self.dpc)"),
        ),
        Step(
            15,
            "IoDisconnectInterrupt begins",
            "StopDevice",
            "P0",
            0,
            (("NICIsr interrupt is", "connected", "disconnecting"),),
            DISCONNECT,
        ),
        Step(
            16,
            "IoDisconnectInterrupt frees the interrupt object",
            "StopDevice",
            "P0",
            0,
            (("NICIsr interrupt is", "disconnecting", "disconnected"),),
            DISCONNECT,
        ),
        Step(20, "KeSynchronizeExecution", "DPC on P1", "P1", 2, (), SYNCHRONIZE),
    ),
    violation=Violation(
        "synchronize-on-dead-interrupt",
        "KeSynchronizeExecution is called with NICIsr interrupt, which is disconnected",
        "0xD1 DRIVER_IRQL_NOT_LESS_OR_EQUAL",
        at_step=True,
    ),
)

DATA_RACE = replace(
    DEAD_INTERRUPT,
    steps=DEAD_INTERRUPT.steps[:3],
    violation=Violation(
        "data-race",
        "both can touch driver.pending next, and one of them writes.",
        "",
        at_step=False,
        contexts=("StartIo", "DPC on P1"),
    ),
)

STUCK = replace(
    DEAD_INTERRUPT,
    steps=(),
    violation=Violation(
        "stuck-context", "StartDevice can never go on", "", at_step=False, contexts=("StartDevice",)
    ),
)
