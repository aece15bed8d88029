"""Timers: rules 7.4."""

import pytest

from .drivers import Bench

TIMER = (
    "T = KTIMER()\nD = KDPC()\nRuns = Int(0, 2, volatile=True, saturating=True)\n"
    "def Start(self):\n    KeInitializeDpc(self.D, self.Dpc)\n"
    "def Dpc(self, Dpc, Context, A, B):\n    InterlockedIncrement(self.Runs)\n"
)


def main(*lines: str) -> str:
    return "def Main(self):\n" + "".join(f"    {line}\n" for line in lines)


def test_an_expired_timer_queues_its_dpc_once_7_4_2(bench: Bench) -> None:
    answer = bench.plain(TIMER, main("KeSetTimer(self.T, 1, self.D)"), processors=2)
    assert answer.holds, answer.verdict
    assert answer.reaches({"driver.Runs": 1, "T is": "idle"})
    assert not answer.reaches({"driver.Runs": 2})
    assert answer.reaches({"D queued on": "P0"})
    assert answer.reaches({"D queued on": "P1"})


def test_a_periodic_timer_goes_on_7_4_3(bench: Bench) -> None:
    text = main("KeSetTimerEx(self.T, 1, 5, self.D)")
    answer = bench.plain(TIMER, text)
    assert answer.reaches({"driver.Runs": 2, "T is": "periodic"})


def test_a_periodic_timers_dpc_overlaps_itself_7_4_4(bench: Bench) -> None:
    dpc = (
        "InterlockedIncrement(self.In)\n    assert self.In == 1\n    InterlockedDecrement(self.In)"
    )
    text = TIMER.replace("InterlockedIncrement(self.Runs)", dpc)
    text += "In = Int(0, 2, volatile=True)\n" + main("KeSetTimerEx(self.T, 1, 5, self.D)")
    assert bench.plain(text).holds
    assert bench.plain(text, processors=2).broken == "assertion-failed"


def test_set_and_cancel_say_whether_it_was_armed_7_4_1_7_4_3(bench: Bench) -> None:
    text = main(
        "KeInitializeTimer(self.T)",
        "Was = KeCancelTimer(self.T)",
        "assert not Was",
        "Was = KeSetTimerEx(self.T, 1, 5, NULL)",
        "assert not Was",
        "Was = KeSetTimer(self.T, 1, NULL)",
        "assert Was",
        "KeSetTimerEx(self.T, 1, 5, NULL)",
        "Was = KeCancelTimer(self.T)",
        "assert Was",
        "Was = KeCancelTimer(self.T)",
        "assert not Was",
    )
    assert bench.plain(TIMER, text).holds


def test_cancel_is_false_with_the_dpc_queued_and_does_not_wait_7_4_3(bench: Bench) -> None:
    text = main(
        "KeSetTimer(self.T, 1, self.D)", "Was = KeCancelTimer(self.T)", "assert Was or self.Runs"
    )
    answer = bench.plain(TIMER, text, processors=2)
    assert answer.broken == "assertion-failed"
    flushed = text.replace("assert", "KeFlushQueuedDpcs()\n    assert")
    assert bench.plain(TIMER, flushed, processors=2).holds


def test_one_dpc_for_timer_and_insert_loses_an_activation_7_4_5(bench: Bench) -> None:
    lines = "KeSetTimer(self.T, 1, self.D)", "KeInsertQueueDpc(self.D)"
    for text in (main(*lines), main(lines[1], "KeFlushQueuedDpcs()", lines[0])):
        answer = bench.plain(TIMER, text)
        assert answer.broken == "dpc-argument-lost"
    again = "KeInitializeDpc(self.D, self.Dpc)"
    renewed = main(lines[1], "KeFlushQueuedDpcs()", again, lines[0])
    assert bench.plain(TIMER, renewed).holds


def test_a_targeted_dpc_expires_on_its_target_7_1_6(bench: Bench) -> None:
    text = main("KeSetTargetProcessorDpc(self.D, 1)", "KeSetTimer(self.T, 1, self.D)")
    answer = bench.plain(TIMER, text, processors=2)
    assert answer.reaches({"D queued on": "P1"})
    assert not answer.reaches({"D queued on": "P0"})


@pytest.mark.parametrize(("kind", "state"), [("NotificationTimer", 1), ("SynchronizationTimer", 0)])
def test_waiting_for_a_timer_6_5_2(bench: Bench, kind: str, state: int) -> None:
    text = main(
        f"KeInitializeTimerEx(self.T, {kind})",
        "KeSetTimer(self.T, 1, NULL)",
        "KeWaitForSingleObject(self.T)",
        "Signalled = KeReadStateTimer(self.T)",
        f"assert Signalled == {state}",
    )
    assert bench.plain(TIMER, text).holds


@pytest.mark.parametrize(
    ("lines", "broken"),
    [
        (["KeRaiseIrql(5, A)", "KeSetTimer(self.T, 1, NULL)"], "irql-too-high"),
        (["KeRaiseIrql(5, A)", "KeCancelTimer(self.T)"], "irql-too-high"),
        (["KeSetTimer(self.T, 1, NULL)", "KeInitializeTimer(self.T)"], "uninitialized-object"),
        (["KeInitializeTimer(self.T)", "KeSetTimer(self.T, 1, NULL)", "KeInitializeTimer(self.T)"],
         "free-while-queued"),
        (["KeSetTimer(self.T, 1, self.Never)"], "uninitialized-object"),
    ],
)  # fmt: skip
def test_what_breaks_7_4(bench: Bench, lines: list[str], broken: str) -> None:
    answer = bench.plain(TIMER + "Never = KDPC()\n" + main(*lines))
    assert answer.broken == broken


@pytest.mark.parametrize("again", ["", "Ex"])
def test_an_initialised_timer_is_not_signalled_6_5_1(bench: Bench, again: str) -> None:
    kind = ", NotificationTimer" if again else ""
    text = main(
        "KeInitializeTimer(self.T)",
        "KeSetTimer(self.T, 1, NULL)",
        "KeWaitForSingleObject(self.T)",
        f"KeInitializeTimer{again}(self.T{kind})",
        "Signalled = KeReadStateTimer(self.T)",
        "assert not Signalled",
    )
    assert bench.plain(TIMER, text).holds


RAISED = (
    "def Main(self):\n    KeRaiseIrql({level}, Old)\n    KeSetTimer(self.T, {due}, {dpc})\n"
    "    Early = KeReadStateTimer(self.T)\n    assert not Early\n"
    "    Gone = KeCancelTimer(self.T)\n    assert Gone\n    KeLowerIrql(Old)\n"
)


def raised(level: str = "DISPATCH_LEVEL", due: int = 1, dpc: str = "self.D") -> str:
    return RAISED.format(level=level, due=due, dpc=dpc)


@pytest.mark.parametrize("dpc", ["self.D", "NULL"])
@pytest.mark.parametrize("set_timer", ["KeSetTimer(", "KeSetTimerEx("])
def test_nothing_expires_on_a_lone_raised_processor_7_4_8(
    bench: Bench, dpc: str, set_timer: str
) -> None:
    text = raised(dpc=dpc)
    if set_timer == "KeSetTimerEx(":
        text = text.replace("KeSetTimer(self.T, 1,", "KeSetTimerEx(self.T, 1, 5,")
    assert bench.plain(TIMER, text).holds
    assert bench.plain(TIMER, text, processors=2).broken == "assertion-failed"
    assert bench.plain(TIMER, raised("APC_LEVEL", dpc=dpc)).broken == "assertion-failed"


def test_nor_while_every_processor_is_raised_7_4_8(bench: Bench) -> None:
    """Two threads at DISPATCH_LEVEL, the one in the other's sight: the timer cannot expire."""
    text = (
        "Up = Bit(0, volatile=True)\n"
        "def Other(self):\n    KeRaiseIrql(DISPATCH_LEVEL, Old)\n    self.Up = 1\n"
        "    self.Up = 0\n    KeLowerIrql(Old)\n"
        "def Main(self):\n    KeRaiseIrql(DISPATCH_LEVEL, Old)\n"
        "    KeSetTimer(self.T, 1, NULL)\n    Both = self.Up\n"
        "    Early = KeReadStateTimer(self.T)\n    Still = self.Up\n"
        "    assert not Early or not Both or not Still\n    KeLowerIrql(Old)\n"
    )
    threads = "Drv.Main, Drv.Other"
    answer = bench.plain(TIMER, text, threads=threads, processors=2)
    # It may have expired before the other was raised; on three processors also afterwards.
    assert answer.broken == "assertion-failed"
    claim = text.replace("KeSetTimer(self.T, 1, NULL)\n    Both = self.Up\n",
                         "Both = self.Up\n    KeSetTimer(self.T, 1, NULL)\n")  # fmt: skip
    assert bench.plain(TIMER, claim, threads=threads, processors=2).holds
    assert bench.plain(TIMER, claim, threads=threads, processors=3).broken == "assertion-failed"


def test_a_timer_in_a_dpc_waits_for_its_end_7_4_8(bench: Bench) -> None:
    text = TIMER.replace(
        "    InterlockedIncrement(self.Runs)\n",
        "    KeSetTimer(self.T, 1, NULL)\n    Early = KeReadStateTimer(self.T)\n"
        "    assert not Early\n",
    )
    text += main("KeInsertQueueDpc(self.D)")
    assert bench.plain(text).holds
    assert bench.plain(text, processors=2).broken == "assertion-failed"


def test_a_targeted_dpc_does_not_let_a_timer_expire_on_a_lone_processor_7_4_8(
    bench: Bench,
) -> None:
    text = raised().replace("    KeRaise", "    KeSetTargetProcessorDpc(self.D, 1)\n    KeRaise", 1)
    assert bench.plain(TIMER, text).holds
    assert bench.plain(TIMER, text, processors=2).broken == "assertion-failed"


def test_a_raised_thread_waits_for_a_timer_in_vain_7_4_8(bench: Bench) -> None:
    text = (
        "def Main(self):\n    KeRaiseIrql(DISPATCH_LEVEL, Old)\n    KeSetTimer(self.T, 1, NULL)\n"
        "    while not KeReadStateTimer(self.T):\n        pass\n    KeLowerIrql(Old)\n"
    )
    assert bench.plain(TIMER, text).broken == "stuck-context"
    assert bench.plain(TIMER, text, processors=2).holds


@pytest.mark.parametrize("dpc", ["self.D", "NULL"])
def test_a_due_time_that_is_over_expires_inside_the_call_7_4_9(bench: Bench, dpc: str) -> None:
    assert bench.plain(TIMER, raised(due=0, dpc=dpc)).broken == "assertion-failed"
    known = raised(due=0, dpc=dpc).replace("assert Gone", "assert Gone != Early")
    assert bench.plain(TIMER, known.replace("assert not Early", "Seen = Early")).holds
    runs = main("KeSetTimer(self.T, 0, self.D)", "KeCancelTimer(self.T)", "KeFlushQueuedDpcs()",
                "assert self.Runs <= 1")  # fmt: skip
    answer = bench.plain(TIMER, runs, processors=2)
    assert answer.holds, answer.verdict
