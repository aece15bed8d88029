"""Events and waits: rules 1.5 and 6.5."""

import pytest

from .drivers import Bench

WAIT = "KeWaitForSingleObject(self.E, Executive, KernelMode, FALSE, NULL)"


def body(kind: str, *routines: str) -> str:
    return f"E = KEVENT({kind}, FALSE)\nWoken = Int(0, 2, volatile=True)\n" + "\n".join(routines)


def waiter(name: str) -> str:
    return f"def {name}(self):\n    {WAIT}\n    InterlockedIncrement(self.Woken)\n"


def test_a_notification_event_wakes_all_and_stays_6_5_2(bench: Bench) -> None:
    text = body(
        "NotificationEvent",
        waiter("A"),
        waiter("B"),
        "def Main(self):\n    Was = KeSetEvent(self.E, 0, FALSE)\n    assert not Was\n"
        "    State = KeReadStateEvent(self.E)\n    assert State\n"
        "    Before = KeResetEvent(self.E)\n    assert Before\n    KeSetEvent(self.E)\n",
    )
    assert bench.plain(text, threads="Drv.A, Drv.B, Drv.Main").holds


def test_a_synchronization_event_wakes_one_6_5_2(bench: Bench) -> None:
    text = body(
        "SynchronizationEvent",
        waiter("A"),
        waiter("B"),
        "def Main(self):\n    KeSetEvent(self.E, 0, FALSE)\n",
    )
    assert bench.plain(text, threads="Drv.A, Drv.Main").holds
    answer = bench.plain(text, threads="Drv.A, Drv.B, Drv.Main")
    assert answer.broken == "stuck-context"
    assert answer.reaches({"driver.Woken": 1})
    assert not answer.reaches({"driver.Woken": 2})


def test_a_synchronization_event_keeps_one_signal_for_later_6_5_2(bench: Bench) -> None:
    text = body("SynchronizationEvent", waiter("A"), "def Main(self):\n    KeSetEvent(self.E)\n")
    assert bench.plain(text, threads="Drv.Main, Drv.A").holds


def test_a_wait_is_satisfied_when_the_event_is_set_6_5_2(bench: Bench) -> None:
    """Set and clear at DISPATCH_LEVEL on the only processor: a waiter is awake all the same."""
    text = body(
        "NotificationEvent",
        waiter("A"),
        "def Main(self):\n    KeRaiseIrql(2, Old)\n    KeSetEvent(self.E)\n"
        "    KeClearEvent(self.E)\n    KeLowerIrql(Old)\n",
    )
    answer = bench.plain(text, threads="Drv.A, Drv.Main")
    assert answer.reaches({"driver.Woken": 1, "at Main": "done"})
    assert answer.broken == "stuck-context"  # it may as well come too late


@pytest.mark.parametrize(
    ("lines", "broken", "bug_check"),
    [
        (["KeRaiseIrql(2, A)", WAIT], "wait-at-dispatch-level", "(0x121)"),
        (["KeRaiseIrql(2, A)", WAIT.replace("NULL", "5")], "wait-at-dispatch-level", "(0x122)"),
        (["KeRaiseIrql(5, A)", WAIT], "wait-at-dispatch-level", "(0x120)"),
        (["KeRaiseIrql(2, A)", WAIT.replace("NULL", "0")], "wait-at-dispatch-level", "(0x121)"),
        (["KeRaiseIrql(5, A)", WAIT.replace("NULL", "LARGE_INTEGER(0)")],
         "irql-too-high", "(0x120)"),
        ([WAIT.replace("NULL", "0")], "stuck-context", ""),
        (["KeDelayExecutionThread(KernelMode, FALSE, 0)"], "null-dereference", "0x7E"),
        (["KeRaiseIrql(2, A)", "KeDelayExecutionThread()"], "wait-at-dispatch-level", "(0x3B)"),
        (["KeRaiseIrql(5, A)", "KeSetEvent(self.E, 0, FALSE)"], "irql-too-high", "(0x80)"),
        (["KeRaiseIrql(2, A)", "KeSetEvent(self.E, 0, TRUE)"], "irql-too-high", "(0x20016)"),
        (["KeRaiseIrql(5, A)", "KeClearEvent(self.E)"], "irql-too-high", "(0xE5)"),
        ([WAIT], "stuck-context", ""),
        (["KeSetEvent(self.E)", "KeInitializeEvent(self.E, NotificationEvent, 0)"],
         "uninitialized-object", ""),
        ([WAIT, "KeInitializeEvent(self.E, NotificationEvent, 0)"], "uninitialized-object", ""),
        (["KeRaiseIrql(9, A)", "KeStallExecutionProcessor(1)", "KeLowerIrql(A)"], "", ""),
    ],
)  # fmt: skip
def test_what_breaks_1_5_and_6_5(
    bench: Bench, lines: list[str], broken: str, bug_check: str
) -> None:
    main = "def Main(self):\n" + "".join(f"    {line}\n" for line in lines)
    answer = bench.plain(body("NotificationEvent", main))
    assert answer.broken == broken
    assert not broken or bug_check in answer.bug_check


@pytest.mark.parametrize("multiple", ["0", "1"])
def test_a_time_is_written_as_in_c(bench: Bench, multiple: str) -> None:
    """`&timeout` is written timeout; only what it holds tells whether the wait can block."""
    text = body(
        "NotificationEvent",
        "n = Int(0, 1, initial={" + multiple + "})\n"
        "def Main(self):\n"
        "    timeout = LARGE_INTEGER()\n    timeout.QuadPart = -10 * self.n\n"
        "    KeRaiseIrql(2, Old)\n"
        "    KeWaitForSingleObject(self.E, Executive, KernelMode, FALSE, timeout)\n"
        "    KeLowerIrql(Old)\n",
    )
    assert bench.plain(text).broken == ("" if multiple == "0" else "wait-at-dispatch-level")


def test_a_zero_timeout_never_blocks_1_5_1(bench: Bench) -> None:
    zero = WAIT.replace("NULL", "LARGE_INTEGER(0)")
    text = body(
        "SynchronizationEvent",
        "def Main(self):\n    KeRaiseIrql(2, Old)\n"
        f"    status = {zero}\n    assert status == STATUS_TIMEOUT\n    KeSetEvent(self.E)\n"
        f"    status = {zero}\n    assert status == STATUS_SUCCESS\n"
        f"    status = {zero}\n    assert status == STATUS_TIMEOUT\n    KeLowerIrql(Old)\n",
    )
    assert bench.plain(text).holds


def test_a_timed_wait_may_end_either_way_1_5_2(bench: Bench) -> None:
    timed = WAIT.replace("NULL", "9")
    for claim in ("STATUS_TIMEOUT", "STATUS_SUCCESS"):
        text = body(
            "NotificationEvent",
            f"def Main(self):\n    status = {timed}\n    assert status == {claim}\n",
            "def Set(self):\n    KeSetEvent(self.E)\n",
        )
        assert bench.plain(text, threads="Drv.Main, Drv.Set").broken == "assertion-failed"


@pytest.mark.parametrize(
    ("mode", "alertable", "status"),
    [("UserMode", "FALSE", "STATUS_USER_APC"), ("KernelMode", "TRUE", "STATUS_ALERTED")],
)
def test_interruptible_waits_end_early_with_success_1_5_4(
    bench: Bench, mode: str, alertable: str, status: str
) -> None:
    wait = f"status = KeWaitForSingleObject(self.E, Executive, {mode}, {alertable}, NULL)"
    text = f"def Main(self):\n    {wait}\n    assert NT_SUCCESS(status)\n"
    assert bench.plain(body("NotificationEvent", text)).holds
    text += f"    assert status != {status}\n"
    assert bench.plain(body("NotificationEvent", text)).broken == "assertion-failed"


def test_the_initialised_type_counts_6_5_1(bench: Bench) -> None:
    text = body(
        "NotificationEvent",
        "def Main(self):\n    KeInitializeEvent(self.E, SynchronizationEvent, TRUE)\n"
        f"    {WAIT}\n    State = KeReadStateEvent(self.E)\n    assert not State\n",
    )
    assert bench.plain(text).holds


@pytest.mark.parametrize(
    ("mode", "claim", "broken"),
    [
        ("KernelMode, FALSE", "status == STATUS_SUCCESS", ""),
        ("KernelMode, TRUE", "status == STATUS_SUCCESS", "assertion-failed"),
        ("KernelMode, TRUE", "status == STATUS_SUCCESS or status == STATUS_ALERTED", ""),
        ("UserMode, FALSE", "status == STATUS_SUCCESS", "assertion-failed"),
        ("UserMode, FALSE", "status == STATUS_SUCCESS or status == STATUS_USER_APC", ""),
    ],
)
def test_a_delay_may_end_early_1_5_4(bench: Bench, mode: str, claim: str, broken: str) -> None:
    text = f"def Main(self):\n    status = KeDelayExecutionThread({mode}, 5)\n    assert {claim}\n"
    assert bench.plain(text).broken == broken


@pytest.mark.parametrize(("timeout", "touches"), [("5", True), ("NULL", False)])
def test_a_wait_that_times_out_touches_its_object_6_5_1(
    bench: Bench,
    timeout: str,
    touches: bool,  # noqa: FBT001
) -> None:
    answer = bench.check(
        "s = Session()\ndef Wait(self):\n"
        f"    KeWaitForSingleObject(self.s.E, Executive, KernelMode, FALSE, {timeout})\n"
        "def Free(self):\n    KeSetEvent(self.s.E)\n    ExFreePool(self.s)\n",
        threads="Drv.Wait, Drv.Free",
        device="class Session(Structure):\n    E = KEVENT()\n",
    )
    ends = [item for item in answer.system.machine.transitions if "times out" in item.name]
    checks = [check for item in ends for check in item.checks]
    assert any(check.property == "use-after-free" for check in checks) is touches


@pytest.mark.parametrize(
    "line",
    ["KeInitializeEvent(self.E, NotificationEvent, FALSE)", "KeInitializeTimer(self.T)"],
)
def test_an_object_somebody_waits_for_is_not_initialised_6_5_10(bench: Bench, line: str) -> None:
    name = "T" if "Timer" in line else "E"
    text = (
        f"E = KEVENT()\nT = KTIMER()\ndef Start(self):\n    {line}\n    return STATUS_SUCCESS\n"
        f"def Wait(self):\n    KeWaitForSingleObject(self.{name})\n"
        f"def Main(self):\n    {line}\n    KeSetEvent(self.E)\n    KeSetTimer(self.T, 1, NULL)\n"
    )
    answer = bench.plain(text, threads="Drv.Wait, Drv.Main")
    assert answer.broken == "free-while-queued"
    assert "which somebody waits for" in answer.detail


def test_a_satisfied_wait_is_not_alerted_any_more_1_5_4(bench: Bench) -> None:
    wait = "KeWaitForSingleObject(self.E, Executive, KernelMode, TRUE, NULL)"
    answer = bench.plain(
        "E = KEVENT(SynchronizationEvent, FALSE)\nSet = Bit(0, volatile=True)\n"
        f"def Wait(self):\n    status = {wait}\n"
        f"    while status == STATUS_ALERTED:\n        status = {wait}\n"
        "    assert self.Set\n"
        "def Main(self):\n    self.Set = 1\n    KeSetEvent(self.E)\n",
        threads="Drv.Wait, Drv.Main",
    )
    assert answer.holds, answer.verdict
