"""What a C compiler warns of at the border to Windows is refused, with the place and a way out."""

import pytest

from dirql.model.language import PatternError

from .loading import load_text

_DRIVER = '''"""A driver."""
from dirql.model.wdk import *


class Nic(Device):
    cause = Bit(0)

    def line(self):
        return self.cause


class Drv(Driver):
    nic = Nic(Line(irql=5))
    Interrupt = PKINTERRUPT()
    Done = KEVENT(NotificationEvent, FALSE)
    Timer = KTIMER()
    Dpc = KDPC()
    Lock = KSPIN_LOCK()
    flags = Int(0, 7)
    irql = Int(0, 15)

    def Start(self):
        status = IoConnectInterrupt(self.Interrupt, self.Isr)
        {start}

    def Isr(self, Interrupt, ServiceContext):
        {isr}

    def Sync(self, Context):
        {sync}

    def T(self):
        {body}


scenario = Scenario(start=Drv.Start, concurrently=[Drv.T])
'''


def source(**parts: str) -> str:
    usual = {
        "start": "return status",
        "isr": "return FALSE",
        "sync": "return TRUE",
        "body": "KeSynchronizeExecution(self.Interrupt, self.Sync)",
    }
    return _DRIVER.format(**{**usual, **parts})


REFUSED = [
    ({"isr": "return 0x100"}, "return 0x100", "does not fit"),
    ({"isr": "return 0x300 if self.flags else FALSE"}, "return 0x300", "does not fit"),
    ({"isr": "return STATUS_UNSUCCESSFUL"}, "return STATUS", "does not fit"),
    ({"isr": "return self.Interrupt"}, "return self.Interrupt", "is an address"),
    ({"sync": "return 0x1FF"}, "return 0x1FF", "does not fit"),
    ({"sync": "return NULL"}, "return NULL", "is an address"),
    ({"start": "return 0x1C0000001"}, "return 0x1C0000001", "does not fit"),
    ({"start": "return self.Interrupt"}, "return self.Interrupt", "is an address"),
    ({"body": "KeSetEvent(self.Done, 0, STATUS_SUCCESS)"}, "KeSetEvent", "is a status"),
    ({"body": "KeSetEvent(self.Done, 0, NULL)"}, "KeSetEvent", "is an address"),
    ({"body": "KeSetEvent(self.Done, self.Done, FALSE)"}, "KeSetEvent", "is an address"),
    ({"body": "KeSetEvent(self.Done, 0, 0x100)"}, "KeSetEvent", "does not fit"),
    ({"body": "KeSetEvent(5, 0, FALSE)"}, "KeSetEvent", "is a number"),
    ({"body": "KeRaiseIrql(300, old)"}, "KeRaiseIrql", "does not fit"),
    ({"body": "KeRaiseIrql(-1, old)"}, "KeRaiseIrql", "does not fit"),
    ({"body": "KeSetTargetProcessorDpc(self.Dpc, 200)"}, "KeSetTarget", "does not fit"),
    ({"body": "KeAcquireSpinLockAtDpcLevel(1)"}, "KeAcquireSpinLock", "is a number"),
    ({"body": "assert (self.flags & 4) == TRUE"}, "assert", "a flag with TRUE"),
    ({"body": "assert self.flags & 4 != TRUE"}, "assert", "a flag with TRUE"),
    ({"body": "assert self.Interrupt == 5"}, "assert", "number"),
    (
        {"body": "p = IO_CONNECT_INTERRUPT_PARAMETERS()\n        p.FullySpecified.Irql = 0x107"},
        "p.FullySpecified",
        "does not fit",
    ),
]


@pytest.mark.parametrize(("parts", "line", "message"), REFUSED, ids=[r[1] for r in REFUSED])
def test_refused(parts: dict[str, str], line: str, message: str) -> None:
    with pytest.raises(PatternError) as caught:
        load_text(source(**parts))
    assert message in caught.value.message
    assert line in caught.value.text
    assert caught.value.column
    assert caught.value.hint


@pytest.mark.parametrize(
    "parts",
    [
        {"isr": "return self.flags & 0x300"},
        {"isr": "return 0xFF"},
        {"isr": "return STATUS_SUCCESS"},
        {"sync": "return 2"},
        {"start": "return 0xC0000001"},
        {"start": "return -1"},
        {"body": "assert self.flags & 1 == TRUE"},
        {"body": "assert (self.flags != 0) == TRUE"},
        {"body": "assert self.Interrupt != 0"},
        {"body": "self.Interrupt = 0"},
        {"body": "KeWaitForSingleObject(self.Done, Executive, KernelMode, FALSE, 0)"},
        {"body": "KeWaitForSingleObject(self.Done, Timeout=LARGE_INTEGER(0))"},
        {"body": "t = LARGE_INTEGER(-5)\n        KeSetTimer(self.Timer, t, NULL)"},
        {"body": "KeInsertQueueDpc(self.Dpc, 1, NULL)"},
        {"body": "InterlockedOr(self.flags, 0x80000000)"},
    ],
)
def test_accepted(parts: dict[str, str]) -> None:
    load_text(source(**parts))
