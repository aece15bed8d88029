"""What is certainly broken before the connect call is the answer, not a refusal."""

from pathlib import Path

import pytest

from dirql.model.compiler import compile_system
from dirql.model.language import PatternError
from dirql.model.system import System
from tests.kernel.drivers import DEVICE, Bench
from tests.language.loading import load_text

SERVE = """
def Isr(self, Interrupt, ServiceContext):
    self.nic.cause = 0
    return TRUE
def Sync(self, Context):
    return TRUE
"""
FIELDS = """
Ring = Array(Bit(), 2)
First = Request()
Record = Reference(Request)
Lock = KSPIN_LOCK()
"""
REQUEST = "class Request(Structure):\n    n = Int(0, 3)\n\n\n"


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


@pytest.mark.parametrize("helper", [False, True])
@pytest.mark.parametrize(
    ("line", "broken"),
    [
        ("KeSynchronizeExecution(self.Interrupt, self.Sync)", "synchronize-on-dead-interrupt"),
        ("Old = KeAcquireInterruptSpinLock(self.Interrupt)", "synchronize-on-dead-interrupt"),
        ("KeReleaseInterruptSpinLock(self.Interrupt, 0)", "synchronize-on-dead-interrupt"),
        ("IoDisconnectInterrupt(self.Interrupt)", "disconnect-of-dead-interrupt"),
        ("self.Ring[2] = 1", "index-out-of-range"),
        ("x = self.Record.n", "null-dereference"),
        ("KeSynchronizeExecution(NULL, self.Sync)", "synchronize-on-dead-interrupt"),
        ("assert FALSE", "assertion-failed"),
    ],
)
def test_certainly_broken_before_the_connect_call(
    bench: Bench, line: str, broken: str, *, helper: bool
) -> None:
    first = f"def Helper(self):\n    {line}\n" if helper else ""
    called = "self.Helper()" if helper else line
    start = f"""
def Start(self):
    {called}
    return IoConnectInterrupt(self.Interrupt, self.Isr)
"""
    answer = bench.check(FIELDS, first, start, SERVE, device=REQUEST + DEVICE)
    assert answer.broken == broken


@pytest.mark.parametrize("start", ["return STATUS_SUCCESS", "assert FALSE", "self.Ring[2] = 1"])
def test_a_scenario_that_never_connects_is_refused(bench: Bench, start: str) -> None:
    with pytest.raises(PatternError) as caught:
        bench.check(FIELDS, f"def Start(self):\n    {start}\n", SERVE, device=REQUEST + DEVICE)
    assert caught.value.code == "DQ302"


_DRIVER = '''"""A driver."""
from dirql.model.wdk import *


class Request(Structure):
    n = Int(0, 3)


class Nic(Device):
    cause = Bit(0)

    def line(self):
        return self.cause


class Drv(Driver):
    nic = Nic(Line(irql=5))
    Interrupt = PKINTERRUPT()
    Other = PKINTERRUPT()
    dpc = KDPC()
    done = KEVENT()
    item = IO_WORKITEM()
    timer = KTIMER()
    request = Request()
    current = Reference(Request)
    callback = RoutineReference("Helper")
    x = Int(0, 3)
    object = DEVICE_OBJECT()

    def Start(self):
        KeInitializeDpc(self.dpc, self.Later)
        return IoConnectInterrupt(self.Interrupt, self.Isr)

    def Helper(self, a):
        return a

    def Isr(self, Interrupt, ServiceContext):
        KeInsertQueueDpc(self.dpc)
        return TRUE

    def Sync(self, Context):
        return TRUE

    def Later(self, Dpc, Context):
        pass

    def Work(self, Device, Context):
        pass

    def T(self):
        {body}


scenario = Scenario(start=Drv.Start, concurrently=[Drv.T])
'''


def compiled(source: str) -> System:
    pattern = load_text(source)
    return compile_system(pattern.program, pattern.scenarios[0], 1)


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ("KeInitializeDpc(self.dpc, NULL)", "KeInitializeDpc"),
        ("KeInitializeDpc(self.dpc, 0)", "KeInitializeDpc"),
        ("KeInitializeDpc(self.dpc, self.request)", "KeInitializeDpc"),
        ("KeInitializeDpc(self.dpc, self.callback)", "KeInitializeDpc"),
        ("IoInitializeDpcRequest(self.object, NULL)", "IoInitializeDpcRequest"),
        ("IoQueueWorkItem(self.item, NULL)", "IoQueueWorkItem"),
        ("IoQueueWorkItem(self.item, self.dpc)", "IoQueueWorkItem"),
        ("IoConnectInterrupt(self.Other, NULL)", "IoConnectInterrupt"),
        ("IoConnectInterrupt(self.Other, self.request)", "IoConnectInterrupt"),
        ("KeSynchronizeExecution(self.Interrupt, self.request)", "KeSynchronizeExecution"),
        ("KeSetTimer(self.timer, 1, self.request)", "KeSetTimer"),
        ("KeSetTimer(self.timer, self.request, self.dpc)", "KeSetTimer"),
        ("KeWaitForSingleObject(self.done, Timeout=self.current)", "Timeout"),
        ("self.current = self.dpc", "current"),
        ("self.current = self.Interrupt", "current"),
        ("self.Interrupt = self.request", "Interrupt"),
        ("self.callback = self.Work", "callback"),
        ("InterlockedExchangePointer(self.current, self.dpc)", "InterlockedExchangePointer"),
        ("InterlockedExchange(self.x, NULL)", "InterlockedExchange"),
        ("InterlockedIncrement(self.current)", "InterlockedIncrement"),
        ("InterlockedExchange(self.current, 1 if self.x else 2)", "InterlockedExchange"),
        (
            "y = InterlockedCompareExchange(self.current, self.x, NULL)",
            "InterlockedCompareExchange",
        ),
        ("WriteRelease(self.current, self.x)", "WriteRelease"),
        ("InterlockedCompareExchange(self.x, 1, self.dpc)", "InterlockedCompareExchange"),
        ("self.x = self.callback", "x"),
    ],
)
def test_every_refusal_has_a_place_and_a_name(body: str, named: str) -> None:
    with pytest.raises(PatternError) as caught:
        compiled(_DRIVER.format(body=body))
    problem = caught.value
    assert problem.file
    assert problem.line
    assert problem.column
    assert body in problem.text
    assert named in problem.message
    assert problem.hint


def test_a_null_routine_that_windows_calls_at_once_is_broken(bench: Bench) -> None:
    start = """
def Start(self):
    status = IoConnectInterrupt(self.Interrupt, self.Isr)
    if NT_SUCCESS(status):
        KeSynchronizeExecution(self.Interrupt, NULL)
    return status
"""
    assert bench.check(start, SERVE).broken == "null-dereference"
