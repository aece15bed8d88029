"""What a case is, and the parts that drivers are put together from."""

from dataclasses import dataclass
from textwrap import dedent, indent

DEVICE = """
class Nic(Device):
    cause = Bit(0)
    masked = Bit(1)

    def line(self):
        return self.cause and not self.masked

    @hardware
    def event(self):
        self.cause = 1


class Record(Structure):
    value = Int(0, 1, volatile=True)
    lock = KSPIN_LOCK()
    dpc = KDPC()
    timer = KTIMER()
    item = IO_WORKITEM()
"""
"""A device that asks by a cause bit, unless it is masked, and memory of the pool."""

WIRED = "nic = Nic(Line(irql=7))\nInterrupt = PKINTERRUPT()\n"
SHARED = "nic = Nic(Line(irql=7, shared=True))\nInterrupt = PKINTERRUPT()\n"
LATCHED = "nic = Nic(Line(irql=7, mode=Latched))\nInterrupt = PKINTERRUPT()\n"
PAIR = (
    "nic = Nic(Line(irql=7, vector=0x51))\nInterrupt = PKINTERRUPT()\n"
    "other = Nic(Line(irql=8, vector=0x52))\nOtherInterrupt = PKINTERRUPT()\n"
)

CONNECT = """
def Start(self):
    status = IoConnectInterrupt(self.Interrupt, self.Isr)
    if not NT_SUCCESS(status):
        return status
    self.nic.masked = 0
    return STATUS_SUCCESS
"""
"""Connects, and lets the device interrupt after that."""

SERVE = """
def Isr(self, Interrupt, ServiceContext):
    if self.nic.masked or not self.nic.cause:
        return FALSE
    self.nic.cause = 0
    return TRUE
"""
"""Quiets its device and does nothing else."""

QUEUED = """
Dpc = KDPC()
def Isr(self, Interrupt, ServiceContext):
    if self.nic.masked or not self.nic.cause:
        return FALSE
    self.nic.cause = 0
    KeInsertQueueDpc(self.Dpc)
    return TRUE
"""
"""A service routine that leaves the work to the DPC routine `Deferred`."""

INITIALIZED = CONNECT.replace(
    "    status", "    KeInitializeDpc(self.Dpc, self.Deferred)\n    status", 1
)
"""`CONNECT`, with the DPC routine `Deferred` made ready before."""

QUEUE = QUEUED + INITIALIZED
"""Both together."""

NOTHING = """
def Deferred(self, Dpc, DeferredContext):
    pass
"""


EDGES = '''
class Nic(Device):
    """Holds two kinds of work; each edge says that there is some."""

    received = Bit(0)
    sent = Bit(0)
    asks = Bit(0)
    masked = Bit(1)

    def line(self):
        return self.asks and not self.masked

    def waiting(self):
        return (self.received or self.sent) and not self.masked

    @hardware
    def receives(self):
        self.received = 1
        self.asks = 1

    @hardware
    def sends(self):
        self.sent = 1
        self.asks = 1

    def acknowledge(self):
        self.asks = 0
        return self.received + 2 * self.sent
'''
"""A device with two kinds of work and one signal for both."""

_ISR = """
def Isr(self, Interrupt, ServiceContext):
    if self.nic.masked or not self.nic.cause:
        return FALSE
    {work}
    self.nic.cause = 0
    return {answer}
"""


def isr(work: str, answer: str = "TRUE") -> str:
    """A service routine that does `work` for its device and quiets it."""
    return _ISR.format(work=work.replace("\n", "\n    "), answer=answer)


def main(*lines: str) -> str:
    """A thread that does these things."""
    return "def Main(self):\n" + "".join(f"    {line}\n" for line in lines)


def deferred(*lines: str) -> str:
    """A DPC routine that does these things."""
    return "def Deferred(self, Dpc, DeferredContext):\n" + "".join(
        f"    {line}\n" for line in lines
    )


MAIN = "concurrently=[Drv.Main]"
STARTED = "start=Drv.Start"
START_MAIN = "start=Drv.Start, concurrently=[Drv.Main]"
REMOVED = 'start=Drv.Start, finally_=Drv.Remove, knobs={"connect_may_fail": "no"}'


@dataclass(frozen=True)
class Case:
    """The smallest driver that breaks a rule as its words say, and one like it that keeps it.

    Attributes:
        rule: the driver rules broken, `R40`; several are separated by spaces.
        broken: the property that reports it.
        words: what the driver does wrong.
        common: the part of the class body that both drivers have.
        breaks: the rest of the one that breaks the rule.
        keeps: the rest of the one that keeps it.
        scenario: the arguments of the scenario.
        device: the classes before the driver.
        processors: on how many both are asked.
    """

    rule: str
    broken: str
    words: str
    common: str
    breaks: str
    keeps: str
    scenario: str = START_MAIN
    device: str = DEVICE
    processors: int = 1

    @property
    def rules(self) -> tuple[str, ...]:
        """The rules, one by one."""
        return tuple(self.rule.split())

    def source(self, rest: str) -> str:
        """A whole pattern with `rest` in the driver."""
        body = indent(dedent(self.common) + "\n" + dedent(rest), "    ")
        return (
            '"""A driver of a test."""\n\nfrom dirql.model.wdk import *\n\n'
            f"{self.device}\n\nclass Drv(Driver):\n{body}\n\n"
            f"scenario = Scenario({self.scenario}, processors=[{self.processors}])\n"
        )
