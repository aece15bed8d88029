"""What a scenario asks nothing about, and what a verdict rests on, in text and JSON."""

import json
from pathlib import Path

import pytest

from dirql.app.cli import run

DRIVER = '''"""A driver with a DPC."""
from dirql.model.wdk import *


class D(Driver):
    A = KDPC()
    flag = Bit(0, volatile=True)

    def Start(self):
        KeInitializeDpc(self.A, self.WorkA)
        return START

    def Poll(self):
        while TRUE:
            KeDelayExecutionThread(KernelMode, FALSE, 1)

    def Go(self):
        KeInsertQueueDpc(self.A)

    def WorkA(self, Dpc, Context):
        self.flag = 1

    def Stop(self):
        return


scenario = Scenario(SCENARIO, processors=[1])
'''

LOOPS = "Poll loops for ever, and `finally_` waits for it"
NO_FINALLY = "the scenario has no `finally_`"

CASES = {
    "start=D.Start, concurrently=[D.Go], finally_=D.Stop": ("STATUS_SUCCESS", None),
    "start=D.Start, concurrently=[D.Go]": ("STATUS_SUCCESS", (NO_FINALLY, False)),
    "concurrently=[D.Stop]": ("STATUS_SUCCESS", None),  # nothing to be left behind
    "start=D.Start, concurrently=[D.Poll], finally_=D.Stop": ("STATUS_SUCCESS", (LOOPS, False)),
    "start=D.Start, finally_=D.Poll": ("STATUS_SUCCESS", ("Poll never returns", False)),
    "start=D.Start, concurrently=[D.Poll]": ("choose(0, -1)", (NO_FINALLY, True)),
    "start=D.Start, concurrently=[D.Poll, D.Go], finally_=D.Stop": (
        "choose(0, -1)",
        (LOOPS, True),
    ),
}


@pytest.fixture
def write(tmp_path: Path) -> Path:
    """Where a test may write its pattern."""
    return tmp_path / "driver.py"


@pytest.mark.parametrize("scenario", CASES)
def test_a_driver_that_is_never_gone(
    write: Path, capsys: pytest.CaptureFixture[str], scenario: str
) -> None:
    status, wanted = CASES[scenario]
    write.write_text(
        DRIVER.replace("return START", f"return {status}").replace("SCENARIO", scenario)
    )
    assert run(["check", "--no-cache", "--format", "json", str(write)]) == 0
    (record,) = map(json.loads, capsys.readouterr().out.splitlines()[:1])
    told = [item for item in record["not_asked"] if item["property"] == "queue-left-pending"]
    assert [(item["reason"], item["only_after_failed_start"]) for item in told] == (
        [wanted] if wanted else []
    )
    run(["prove", "--property", "queue-left-pending", str(write)])
    out = capsys.readouterr().out
    if wanted:
        reason, after_failed_start = wanted
        assert reason in out
        assert ("not asked: " in out) is not after_failed_start
        assert "  proved" not in out or after_failed_start
    else:
        assert "asked" not in out


RESTS = '''"""Unmaps its registers after the disconnect."""
from dirql.model.wdk import *


class Nic(Device):
    cause = Bit(0)
    enabled = Bit(0)
    extra = Bit(0)

    def line(self):
        return self.cause and self.enabled

    @hardware
    def event(self):
        self.cause = 1

    def ack(self):
        had = self.cause and self.enabled
        if had:
            self.cause = 0
        return had


class D(Driver):
    nic = Nic(Line(irql=7))
    Interrupt = PKINTERRUPT()

    def Start(self):
        MmMapIoSpace(self.nic)
        status = IoConnectInterrupt(self.Interrupt, self.Isr)
        if not NT_SUCCESS(status):
            return status
        self.nic.enabled = 1
        return STATUS_SUCCESS

    def Isr(self, Interrupt, ServiceContext):
        if not self.nic.ack():
            return FALSE
        self.nic.extra = 1
        return TRUE

    def Stop(self):
        if not self.Interrupt:
            MmUnmapIoSpace(self.nic)
            return
        self.nic.enabled = 0
        IoDisconnectInterrupt(self.Interrupt)
        MmUnmapIoSpace(self.nic)


scenario = Scenario(start=D.Start, finally_=D.Stop, processors=[PROCESSORS])
'''


@pytest.mark.parametrize(("processors", "verdict"), [(1, "holds"), (2, "violated")])
def test_a_verdict_names_the_default_it_rests_on(
    write: Path, capsys: pytest.CaptureFixture[str], processors: int, verdict: str
) -> None:
    """On one processor the thread that disconnects cannot overtake a service routine."""
    write.write_text(RESTS.replace("PROCESSORS", str(processors)))
    assert run(["check", "--no-cache", "--format", "json", str(write)]) == 0
    record = json.loads(capsys.readouterr().out.splitlines()[0])
    found = {item["knob"]: item for item in record["defaults"]}
    waits = found["disconnect_waits_for_isr"]
    assert (waits["value"], waits["other"], waits["verdict"]) == ("yes", "no", verdict)
    assert (waits["property"] is not None) == (verdict == "violated")
    assert "connect_may_fail" not in found  # the other answer rules something out
    assert "latched_chain" not in found  # nothing asks it
    said = " ".join(record["scope"])
    assert ("rests on disconnect_waits_for_isr=yes" in said) == (verdict == "violated")
    without = "disconnect_waits_for_isr=no (without spurious calls)"
    assert (without in said) == (verdict == "holds")
    assert "spurious_calls: both answers" in said
    capsys.readouterr()
    arguments = ["check", "--no-cache", "--knob", "disconnect_waits_for_isr=no", str(write)]
    assert run(arguments) == (1 if verdict == "violated" else 0)
    out = " ".join(capsys.readouterr().out.split())
    assert "spurious_calls: both answers" not in out
    if verdict == "holds":
        assert "spurious calls not explored (a disconnect does not wait)" in out


@pytest.mark.parametrize("knobs", [[], ["--knob", "spurious_calls=yes"]])
def test_calls_for_nothing_are_not_claimed_of_a_shared_line(
    write: Path, capsys: pytest.CaptureFixture[str], knobs: list[str]
) -> None:
    write.write_text(
        RESTS.replace("PROCESSORS", "1").replace("Line(irql=7)", "Line(irql=7, shared=True)")
    )
    run(["check", "--no-cache", *knobs, str(write)])
    out = " ".join(capsys.readouterr().out.split())
    assert ("spurious calls not explored (shared line)" in out) == (not knobs)
    assert ("knob spurious_calls=yes" in out) == bool(knobs)
    assert "spurious_calls: both answers" not in out


def test_what_is_too_much_work_is_not_compared(
    write: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dirql.app.defaults.STATES", -10_000)
    write.write_text(RESTS.replace("PROCESSORS", "1"))
    assert run(["check", "--no-cache", str(write)]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "not compared with disconnect_waits_for_isr=no" in out
    assert "also holds" not in out


LOCKS = RESTS.replace(
    "    Interrupt = PKINTERRUPT()\n",
    "    Interrupt = PKINTERRUPT()\n    Lock = KSPIN_LOCK()\n    Pdo = DEVICE_OBJECT()\n",
)


@pytest.mark.parametrize("ready", [True, False])
def test_a_lock_handed_to_a_connect_call_is_assumed_to_be_initialised(
    write: Path, capsys: pytest.CaptureFixture[str], *, ready: bool
) -> None:
    text = LOCKS.replace("PROCESSORS", "1").replace(
        "status = IoConnectInterrupt(self.Interrupt, self.Isr)",
        "parameters = IO_CONNECT_INTERRUPT_PARAMETERS()\n"
        "        parameters.Version = CONNECT_FULLY_SPECIFIED\n"
        "        parameters.FullySpecified.PhysicalDeviceObject = self.Pdo\n"
        "        parameters.FullySpecified.InterruptObject = self.Interrupt\n"
        "        parameters.FullySpecified.ServiceRoutine = self.Isr\n"
        "        parameters.FullySpecified.SpinLock = self.Lock\n"
        "        status = IoConnectInterruptEx(parameters)",
    )
    if ready:
        text = text.replace("parameters =", "KeInitializeSpinLock(self.Lock)\n        parameters =")
    write.write_text(text)
    assert run(["check", "--no-cache", str(write)]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert ("Lock assumed to be initialised elsewhere" in out) is not ready


CUT = '''"""The first statement breaks a rule for certain."""
from dirql.model.wdk import *


class D(Driver):
    n = Int(0, 3)
    L = KSPIN_LOCK()

    def T1(self):
        self.n = 5
        KeAcquireSpinLock(self.L, Old)
        self.Helper()
        KeReleaseSpinLock(self.L, Old)

    def Helper(self):
        KeAcquireSpinLockAtDpcLevel(self.L)

    def T2(self):
        return


scenario = Scenario(
    concurrently=[D.T1, D.T2], processors=[1], properties=["recursive-lock-acquire"]
)
'''


def test_what_lies_behind_a_cut_never_ran(write: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The line that is cut did run, and so did a routine without visible steps; nothing loops."""
    write.write_text(CUT)
    assert run(["check", "--no-cache", str(write)]) == 0
    out = capsys.readouterr().out
    assert "loops for ever" not in out
    listed = [line.strip() for line in out.splitlines() if "never ran" in line]
    assert listed == [
        "never ran: T1:11  KeAcquireSpinLock(self.L, Old)",
        "never ran: T1:12  self.Helper()",
        "never ran: T1:13  KeReleaseSpinLock(self.L, Old)",
        "never ran: Helper:15  def Helper(self):",
    ]
