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
    text = main("KeSetTimer(self.T, 1, self.D)", "KeInsertQueueDpc(self.D)")
    answer = bench.plain(TIMER, text)
    ended = {"at Main": "done", "T is": "idle", "D queued on": "none", "at DPC@P0": "idle"}
    assert answer.reaches({**ended, "driver.Runs": 1})
    assert answer.reaches({**ended, "driver.Runs": 2})


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
