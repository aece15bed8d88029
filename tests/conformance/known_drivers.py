"""Short drivers whose answers are known by thinking, each made to hide what is wrong with it."""

from dataclasses import dataclass
from textwrap import dedent, indent

HEADER = '''"""A driver whose answer is known."""
from dirql.model.wdk import *


class Record(Structure):
    value = Int(0, 1, volatile=True)


class Nic(Device):
    cause = Bit(0)
    other = Bit(0)
    masked = Bit(1)

    def line(self):
        return (self.cause or self.other) and not self.masked

    def waiting(self):
        return (self.cause or self.other) and not self.masked

    @hardware
    def event(self):
        self.cause = 1


class Sample(Driver):
    nic = Nic(Line(irql=5))
    Interrupt = PKINTERRUPT()
    dpc = KDPC()
    lock = KSPIN_LOCK()
    other_lock = KSPIN_LOCK()
    done = KEVENT(NotificationEvent, FALSE)
    timer = KTIMER()
    record = Record()
    pointer = Reference(Record)
    flag = Int(0, 3, volatile=True)
    x = Int(0, 3)

    def Start(self):
        self.pointer = self.record
        KeInitializeDpc(self.dpc, self.Deferred, self)
        status = IoConnectInterrupt(self.Interrupt, self.Service, self)
        if NT_SUCCESS(status):
            self.nic.masked = 0
        return status

    def Remove(self):
        self.nic.masked = 1
        if self.Interrupt:
            IoDisconnectInterrupt(self.Interrupt)

    def Quiet(self, Context):
        self.nic.masked = 1
        return TRUE

    def Nothing(self, Context):
        return TRUE
'''
SERVICE = """
if self.nic.masked or not (self.nic.cause or self.nic.other):
    return FALSE
self.nic.cause = 0
self.nic.other = 0
"""


@dataclass(frozen=True)
class Known:
    """A driver by the bodies of its routines, and what is wrong with it on so many processors.

    `changes` are replacements in the text; `answers` has `holds` where nothing is wrong.
    """

    name: str
    answers: dict[int, str]
    threads: tuple[str, ...] = ("pass",)
    service: str = SERVICE + "return TRUE\n"
    deferred: str = "pass"
    changes: tuple[tuple[str, str], ...] = ()
    knobs: tuple[tuple[str, str], ...] = ()
    properties: tuple[str, ...] | None = None

    @property
    def text(self) -> str:
        """The driver."""
        routines = {
            "Service(self, Interrupt, Context)": self.service,
            "Deferred(self, Dpc, Context)": self.deferred,
        }
        names = [f"Thread{number}" for number in range(len(self.threads))]
        routines.update(
            (f"{name}(self)", body) for name, body in zip(names, self.threads, strict=True)
        )
        text = HEADER
        for head, body in routines.items():
            text += f"\n    def {head}:\n{indent(dedent(body).strip(), ' ' * 8)}\n"
        listed = ", ".join(f"Sample.{name}" for name in names)
        text += (
            f"\n\nscenario = Scenario(start=Sample.Start, concurrently=[{listed}], "
            "finally_=Sample.Remove)\n"
        )
        for old, new in self.changes:
            assert old in text, old
            text = text.replace(old, new)
        return text
