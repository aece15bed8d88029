"""Connecting a service routine: rules 2.1 to 2.6 and 2.8."""

import pytest

from dirql.model.domain import Value
from dirql.model.language.errors import PatternError

from .drivers import CONNECT, DEVICE, SERVE, Bench

NO_FAIL = {"connect_may_fail": "no"}


def legacy(arguments: str, status: str) -> str:
    return (
        "Lock = KSPIN_LOCK()\ndef Start(self):\n"
        "    IoConnectInterrupt(self.Interrupt, self.Isr)\n    return STATUS_UNSUCCESSFUL\n"
        if not status
        else "Lock = KSPIN_LOCK()\ndef Start(self):\n"
        f"    status = IoConnectInterrupt(self.Interrupt, self.Isr{arguments})\n"
        f"    assert status == {status}\n    return status\n"
    )


@pytest.mark.parametrize(
    ("rule", "arguments", "status"),
    [
        ("2.3.1", "", "STATUS_SUCCESS"),
        ("10.13", ", SynchronizeIrql=9", "STATUS_SUCCESS"),
        ("10.12", ", SynchronizeIrql=6", "STATUS_INVALID_PARAMETER"),
        ("2.3.3", ", Irql=16", "STATUS_INVALID_PARAMETER"),
        ("2.3.3", ", SynchronizeIrql=16", "STATUS_INVALID_PARAMETER"),
        ("10.6", ", ProcessorEnableMask=0", "STATUS_INVALID_PARAMETER"),
        ("2.3.2", ", ProcessorEnableMask=4", "STATUS_INVALID_PARAMETER"),
        ("10.14", ", Irql=PASSIVE_LEVEL, SynchronizeIrql=7", "STATUS_INVALID_PARAMETER"),
        ("10.14", ", Irql=7, SynchronizeIrql=PASSIVE_LEVEL", "STATUS_INVALID_PARAMETER"),
        ("2.8.2", ", Irql=0, SynchronizeIrql=0, SpinLock=self.Lock", "STATUS_INVALID_PARAMETER"),
        ("10.16", ", FloatingSave=TRUE", "STATUS_SUCCESS"),
        ("2.3.3", ", Vector=99", "STATUS_INVALID_PARAMETER"),
    ],
)
def test_statuses_of_the_legacy_form_2_3(
    bench: Bench, rule: str, arguments: str, status: str
) -> None:
    other = "def Other(self):\n    IoConnectInterrupt(self.Interrupt, self.Isr)\n"
    answer = bench.check(
        legacy(arguments, status), SERVE, other, knobs=NO_FAIL,
        properties=("assertion-failed",), threads="Drv.Other",
    )  # fmt: skip
    assert answer.holds, (rule, answer.verdict)


def extended(version: str, *members: str) -> str:
    lines = "".join(f"    p.{item}\n" for item in members)
    return (
        "Pdo = DEVICE_OBJECT()\nLock = KSPIN_LOCK()\ndef Start(self):\n"
        f"    p = IO_CONNECT_INTERRUPT_PARAMETERS()\n    p.Version = {version}\n{lines}"
        "    status = IoConnectInterruptEx(p)\n"
    )


FULL = (
    "FullySpecified.PhysicalDeviceObject = self.Pdo",
    "FullySpecified.InterruptObject = self.Interrupt",
    "FullySpecified.ServiceRoutine = self.Isr",
)
LINE = tuple(item.replace("FullySpecified", "LineBased") for item in FULL)


@pytest.mark.parametrize(
    ("rule", "version", "members", "status"),
    [
        ("2.4", "CONNECT_FULLY_SPECIFIED", FULL, "STATUS_SUCCESS"),
        ("10.7", "CONNECT_FULLY_SPECIFIED_GROUP", FULL, "STATUS_SUCCESS"),
        ("2.6", "CONNECT_LINE_BASED", LINE, "STATUS_SUCCESS"),
        ("2.4.2", "9", FULL, "STATUS_INVALID_PARAMETER_1"),
        ("2.4.4", "CONNECT_FULLY_SPECIFIED", FULL[1:], "STATUS_INVALID_PARAMETER"),
        ("2.4.4", "CONNECT_LINE_BASED", LINE[1:], "STATUS_INVALID_PARAMETER"),
        ("10.6", "CONNECT_FULLY_SPECIFIED", (*FULL, "FullySpecified.ProcessorEnableMask = 0"),
         "STATUS_INVALID_PARAMETER_10"),
        ("10.12", "CONNECT_FULLY_SPECIFIED", (*FULL, "FullySpecified.SynchronizeIrql = 5"),
         "STATUS_INVALID_PARAMETER"),
        ("2.6.2", "CONNECT_LINE_BASED", (*LINE, "LineBased.SynchronizeIrql = 5"),
         "STATUS_SUCCESS"),
        ("2.5", "CONNECT_FULLY_SPECIFIED", (*FULL, "FullySpecified.Group = 3"), "STATUS_SUCCESS"),
        ("2.4.2", "CONNECT_FULLY_SPECIFIED", (*FULL, "FullySpecified.Vector = 99"),
         "STATUS_NOT_FOUND"),
    ],
)  # fmt: skip
def test_statuses_of_the_extended_form_2_4(
    bench: Bench, rule: str, version: str, members: tuple[str, ...], status: str
) -> None:
    start = extended(version, *members) + f"    assert status == {status}\n    return status\n"
    other = "def Other(self):\n    IoConnectInterrupt(self.Interrupt, self.Isr)\n"
    answer = bench.check(
        start, SERVE, other, knobs=NO_FAIL, properties=("assertion-failed",), threads="Drv.Other"
    )
    assert answer.holds, (rule, answer.verdict)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (legacy(", Irql=0, SynchronizeIrql=0", "0"), "passive-level service routines are not"),
        (extended("CONNECT_MESSAGE_BASED"), "message-signalled interrupts are not modelled yet"),
        (legacy(", Irql=8", "0"), "the translated resource of nic says 7"),
        (legacy(", InterruptMode=Latched", "0"), "InterruptMode"),
        (extended("CONNECT_FULLY_SPECIFIED_GROUP", *FULL, "FullySpecified.Group = 3"), "group"),
        (extended("CONNECT_FULLY_SPECIFIED", *FULL[:2]), "ServiceRoutine is NULL"),
    ],
)
def test_what_is_refused_clearly_2_7_2_8(bench: Bench, text: str, words: str) -> None:
    with pytest.raises(PatternError, match=words):
        bench.check(text, SERVE)


@pytest.mark.parametrize(
    ("arguments", "why", "caret"),
    [
        (", SynchronizeIrql=6", "SynchronizeIrql 6 is below Irql 7", "SynchronizeIrql=6"),
        (", Vector=99", "Vector 99 is no device's", "Vector=99"),
        (", ProcessorEnableMask=0", "no active processor", "ProcessorEnableMask=0"),
    ],
)
def test_a_driver_that_is_only_refused_is_told_why(
    bench: Bench, arguments: str, why: str, caret: str
) -> None:
    with pytest.raises(PatternError, match="DQ302") as caught:
        bench.check(legacy(arguments, "0"), SERVE)
    assert "IoConnectInterrupt refuses with STATUS_INVALID_PARAMETER, " in str(caught.value)
    assert why in str(caught.value)
    line, mark = str(caught.value).splitlines()[1:3]
    assert line[mark.index("^") :].startswith(caret)


def test_a_driver_without_a_device_object_is_told_to_give_one(bench: Bench) -> None:
    with pytest.raises(PatternError, match="DQ302") as caught:
        bench.check(extended("CONNECT_LINE_BASED", *LINE[1:]), SERVE)
    assert "PhysicalDeviceObject is NULL" in str(caught.value)
    assert "Pdo = DEVICE_OBJECT()" in str(caught.value)


def test_a_driver_that_never_connects_is_told_what_runs(bench: Bench) -> None:
    idle = "def Start(self):\n    return STATUS_SUCCESS\n"
    with pytest.raises(PatternError, match="DQ302 nothing in this scenario connects") as caught:
        bench.check(idle, SERVE)
    assert "it runs Start" in caught.value.hint
    line, mark = str(caught.value).splitlines()[1:3]
    assert line[mark.index("^") :].startswith("def Start(self)")


def test_connecting_above_passive_level_2_1_1(bench: Bench) -> None:
    raised = (
        "def Start(self):\n    KeRaiseIrql(APC_LEVEL, Old)\n"
        "    IoConnectInterrupt(self.Interrupt, self.Isr)\n"
    )
    answer = bench.check(raised, SERVE)
    assert answer.broken == "irql-too-high"
    assert "(0x2000B)" in answer.bug_check


def test_no_out_pointer_10_5(bench: Bench) -> None:
    answer = bench.check(extended("CONNECT_LINE_BASED", LINE[0], LINE[2]), SERVE)
    assert answer.broken == "null-out-pointer"


def test_the_lock_is_initialised_first_2_1_4(bench: Bench) -> None:
    early = """
    Lock = KSPIN_LOCK()
    def Start(self):
        IoConnectInterrupt(self.Interrupt, self.Isr, NULL, self.Lock)
        KeInitializeSpinLock(self.Lock)
    """
    assert bench.check(early, SERVE).broken == "uninitialized-object"


ASSERTED = (
    "class Nic(Device):\n    cause = Bit(1)\n    masked = Bit(0)\n"
    "    def line(self):\n        return self.cause and not self.masked\n"
    "    @hardware\n    def event(self):\n        self.cause = 1\n"
)


@pytest.mark.parametrize(
    ("knobs", "claim", "holds"),
    [
        ({}, "self.Interrupt == NULL", False),
        ({}, "self.Interrupt != NULL", False),
        ({"out_pointer_before_arm": "yes"}, "self.Interrupt != NULL", True),
        ({"out_pointer_before_arm": "no"}, "self.Interrupt != NULL", False),
        ({}, "self.Connected", False),
        ({"isr_before_connect_returns": "no"}, "self.Interrupt != NULL", True),
    ],
)
def test_the_isr_runs_before_connect_returns_10_1_10_2(
    bench: Bench, knobs: dict[str, str], claim: str, *, holds: bool
) -> None:
    text = f"""
    Connected = Bit(0, volatile=True)
    def Start(self):
        status = IoConnectInterrupt(self.Interrupt, self.Isr)
        self.Connected = 1
        return status
    def Isr(self, Interrupt, ServiceContext):
        assert {claim}
        assert Interrupt != NULL
        self.nic.cause = 0
        return TRUE
    """
    answer = bench.check(text, device=ASSERTED, knobs=knobs, properties=("assertion-failed",))
    assert answer.broken == ("" if holds else "assertion-failed")


def test_connect_can_fail_and_then_nothing_is_connected_2_4_3_2_4_7(bench: Bench) -> None:
    text = """
    def Start(self):
        status = IoConnectInterrupt(self.Interrupt, self.Isr)
        assert NT_SUCCESS(status)
    """
    assert bench.check(text, SERVE).broken == "assertion-failed"
    assert bench.check(text, SERVE, knobs=NO_FAIL).holds
    empty = text.replace("assert NT", "Good = NT").replace(
        "Good = NT_SUCCESS(status)",
        "if not NT_SUCCESS(status):\n            assert self.Interrupt == NULL",
    )
    assert bench.check(empty, SERVE).holds


def test_a_second_connect_of_an_exclusive_line_fails_10_17(bench: Bench) -> None:
    text = """
    Second = PKINTERRUPT()
    def Start(self):
        status = IoConnectInterrupt(self.Interrupt, self.Isr)
        assert status == STATUS_SUCCESS
        status = IoConnectInterrupt(self.Second, self.Isr, ShareVector=TRUE)
        assert status == STATUS_INVALID_PARAMETER
        assert self.Second == NULL
    """
    assert bench.check(text, SERVE, knobs=NO_FAIL).holds
    shared = text.replace("self.Isr)", "self.Isr, ShareVector=TRUE)")
    assert bench.check(shared, SERVE, knobs=NO_FAIL).broken == "assertion-failed"


def test_an_exclusive_connect_of_a_shared_line_fails_10_17(bench: Bench) -> None:
    text = """
    def Start(self):
        status = IoConnectInterrupt(self.Interrupt, self.Isr, ShareVector=FALSE)
        assert status == STATUS_INVALID_PARAMETER
        status = IoConnectInterrupt(self.Interrupt, self.Isr)
        assert status == STATUS_SUCCESS
    """
    assert bench.check(text, SERVE, line="irql=7, shared=True", knobs=NO_FAIL).holds


def test_overwriting_a_live_pointer_r76(bench: Bench) -> None:
    text = """
    def Start(self):
        IoConnectInterrupt(self.Interrupt, self.Isr, ShareVector=TRUE)
        IoConnectInterrupt(self.Interrupt, self.Isr, ShareVector=TRUE)
    """
    assert bench.check(text, SERVE).broken == "connect-overwrites-live-interrupt"
    kept = text.replace("    def", "    Copy = PKINTERRUPT()\n    def").replace(
        "        IoConnect", "        self.Copy = self.Interrupt\n        IoConnect"
    )
    assert bench.check(kept, SERVE).holds


def test_a_stale_local_stays_stale_after_a_new_connect_10_3(bench: Bench) -> None:
    """The local of a thread is the only pointer left to the object that was disconnected."""
    text = """
    def Start(self):
        return IoConnectInterrupt(self.Interrupt, self.Isr)
    def Main(self):
        Mine = self.Interrupt
        KeDelayExecutionThread()
        KeSynchronizeExecution(Mine, self.Nothing, NULL)
    def Nothing(self, Context):
        return TRUE
    def Again(self):
        IoDisconnectInterrupt(self.Interrupt)
        self.Interrupt = NULL
        IoConnectInterrupt(self.Interrupt, self.Isr)
    """
    answer = bench.check(text, SERVE, threads="Drv.Main, Drv.Again", knobs=NO_FAIL)
    assert answer.broken == "synchronize-on-dead-interrupt"


def test_two_connects_at_once_make_two_objects_2_2_6(bench: Bench) -> None:
    """What has been allocated and not armed yet is taken."""
    text = """
    Second = PKINTERRUPT()
    def Main(self):
        IoConnectInterrupt(self.Interrupt, self.Isr, ShareVector=TRUE)
    def Other(self):
        IoConnectInterrupt(self.Second, self.Isr, ShareVector=TRUE)
    """
    answer = bench.check(
        text, SERVE, threads="Drv.Main, Drv.Other", properties=("assertion-failed",), processors=2
    )
    first: dict[str, Value] = {"driver.Interrupt": "Isr interrupt"}
    assert answer.reaches({**first, "driver.Second": "Isr interrupt again"})
    assert not answer.reaches({**first, "driver.Second": "Isr interrupt"})


WAITS = DEVICE + "\n    def waiting(self):\n        return self.cause\n"
BLIND = CONNECT.replace("    self.nic.masked = 0\n", "")
THEN = "def Main(self):\n    return\n"


@pytest.mark.parametrize("threads", ["", "Drv.Main"])
def test_nobody_owes_service_after_a_failed_start(bench: Bench, threads: str) -> None:
    answer = bench.check(CONNECT, SERVE, THEN, threads=threads, device=WAITS)
    assert answer.holds, answer.verdict
    assert answer.reaches({"nic.cause": 1, "at Start": "done", "Isr interrupt is": "unused"})
    assert (
        bench.check(BLIND, SERVE, THEN, threads=threads, device=WAITS).broken == "unserviced-cause"
    )


AGAIN = CONNECT + SERVE + "Kept = PKINTERRUPT()\n"


def again(*lines: str) -> str:
    return "def Main(self):\n" + "".join(f"    {line}\n" for line in lines)


@pytest.mark.parametrize("shared", ["False", "True"])
@pytest.mark.parametrize("pointer", ["kept", "null", "either"])
def test_a_connect_over_a_live_interrupt_is_found_at_the_call_r76(
    bench: Bench, shared: str, pointer: str
) -> None:
    """Whether or not the line is shared, and whatever a failure leaves in the pointer."""
    answer = bench.check(
        AGAIN, again("IoConnectInterrupt(self.Interrupt, self.Isr)"),
        threads="Drv.Main", line=f"irql=7, shared={shared}",
        knobs={"pointer_after_failed_connect": pointer},
    )  # fmt: skip
    assert answer.broken == "connect-overwrites-live-interrupt"
    assert answer.steps[-1].startswith("IoConnectInterrupt")
    assert not any("stores" in name for name in answer.steps[4:])


@pytest.mark.parametrize("keep", ["self.Kept = self.Interrupt", "Old = self.Interrupt"])
def test_a_pointer_held_elsewhere_is_not_lost_r76(bench: Bench, keep: str) -> None:
    name = keep.partition(" ")[0]
    text = again(keep, "IoConnectInterrupt(self.Interrupt, self.Isr)", "self.nic.masked = 1",
                 f"Last = {name}", "IoDisconnectInterrupt(Last)")  # fmt: skip
    answer = bench.check(AGAIN, text, threads="Drv.Main", line="irql=7, shared=True",
                         properties=("connect-overwrites-live-interrupt",))  # fmt: skip
    assert answer.holds, answer.verdict


@pytest.mark.parametrize(
    ("call", "knobs"),
    [
        ("IoConnectInterrupt(self.Interrupt, self.Isr)", {}),
        ("IoConnectInterrupt(self.Interrupt, self.Isr, ProcessorEnableMask=0)", {}),
        ("IoConnectInterrupt(self.Interrupt, self.Isr, Vector=9)", {}),
    ],
)
@pytest.mark.parametrize("pointer", ["kept", "null", "either"])
def test_what_a_failed_connect_leaves_in_the_pointer_10_67(
    bench: Bench, call: str, knobs: dict[str, str], pointer: str
) -> None:
    """A stale pointer stays, or is NULL; the knob says which, both is the default."""
    text = again("self.nic.masked = 1", "IoDisconnectInterrupt(self.Interrupt)",
                 f"status = {call}", "if NT_SUCCESS(status):", "    return",
                 "assert self.Interrupt {test} NULL")  # fmt: skip
    broken: dict[str, str] = {}
    for test in ("==", "!="):
        answer = bench.check(AGAIN, text.replace("{test}", test), threads="Drv.Main",
                             knobs={**knobs, "pointer_after_failed_connect": pointer},
                             properties=("assertion-failed",))  # fmt: skip
        broken[test] = answer.broken
    assert bool(broken["=="]) == (pointer != "null")
    assert bool(broken["!="]) == (pointer != "kept")


def test_a_failed_connect_with_nothing_in_the_pointer_adds_no_states_10_67(bench: Bench) -> None:
    counts = {
        bench.check(CONNECT, SERVE, knobs={"pointer_after_failed_connect": value}).states
        for value in ("kept", "null", "either")
    }
    assert len(counts) == 1
