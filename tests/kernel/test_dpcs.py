"""Deferred procedure calls: rules 7.1 to 7.3."""

import pytest

from .drivers import CONNECT, Bench

DPC = "D = KDPC()\nRuns = Int(0, 2, volatile=True, saturating=True)\n"
COUNT = "def Dpc(self, Dpc, Context, A, B):\n    InterlockedIncrement(self.Runs)\n"
READY = "def Start(self):\n    KeInitializeDpc(self.D, self.Dpc)\n"


def main(*lines: str) -> str:
    return "def Main(self):\n" + "".join(f"    {line}\n" for line in lines)


def test_a_dpc_is_queued_once_7_1_2(bench: Bench) -> None:
    answer = bench.plain(
        DPC, READY, COUNT,
        main(
            "KeRaiseIrql(2, Old)",
            "First = KeInsertQueueDpc(self.D)",
            "Second = KeInsertQueueDpc(self.D)",
            "assert First and not Second",
            "KeLowerIrql(Old)",
            "KeFlushQueuedDpcs()",
            "assert self.Runs == 1",
        ),
    )  # fmt: skip
    assert answer.holds, answer.verdict


def test_a_dpc_waits_for_dispatch_level_to_end_7_1_7(bench: Bench) -> None:
    """Not on the processor whose thread is at DISPATCH_LEVEL, and before that thread goes on."""
    answer = bench.plain(
        DPC, READY, COUNT,
        main(
            "KeRaiseIrql(2, Old)",
            "KeInsertQueueDpc(self.D)",
            "assert not self.Runs",
            "KeLowerIrql(Old)",
            "assert self.Runs",
        ),
        processors=2,
    )  # fmt: skip
    assert answer.holds, answer.verdict


@pytest.mark.parametrize("lines", [
    ["KeSetTargetProcessorDpc(self.D, 1)"], ["KeSetImportanceDpc(self.D, LowImportance)"],
])  # fmt: skip
def test_targeted_and_low_dpcs_may_be_late_7_1_8(bench: Bench, lines: list[str]) -> None:
    text = main(*lines, "KeRaiseIrql(2, Old)", "KeInsertQueueDpc(self.D)", "KeLowerIrql(Old)",
                "assert self.Runs")  # fmt: skip
    assert bench.plain(DPC, READY, COUNT, text, processors=2).broken == "assertion-failed"


def test_a_target_is_where_it_runs_7_1_6(bench: Bench) -> None:
    text = main(
        "KeSetTargetProcessorDpc(self.D, 1)", "KeRaiseIrql(2, Old)", "KeInsertQueueDpc(self.D)",
        "KeLowerIrql(Old)", "KeFlushQueuedDpcs()",
    )  # fmt: skip
    answer = bench.plain(DPC, READY, COUNT, text, processors=2)
    assert answer.holds, answer.verdict
    assert answer.reaches({"D queued on": "P1"})
    assert not answer.reaches({"D queued on": "P0"})


REQUEUE = """
Inside = Bit(0, volatile=True)
def Dpc(self, Dpc, Context, A, B):
    self.Inside = 1
    self.Inside = 0
def Main(self):
    KeInsertQueueDpc(self.D)
def Again(self):
    if self.Inside:
        Queued = KeInsertQueueDpc(self.D)
        Still = self.Inside
        assert not Still or Queued
"""


def test_a_running_dpc_can_be_queued_and_run_twice_at_once_7_1_5(bench: Bench) -> None:
    answer = bench.plain(DPC, READY, REQUEUE, threads="Drv.Main, Drv.Again", processors=2)
    assert answer.holds, answer.verdict
    both = [
        {"at DPC@P0": first.label, "at DPC@P1": second.label}
        for first in answer.system.points
        for second in answer.system.points
        if (first.context, second.context) == ("DPC@P0", "DPC@P1")
        if not first.end and not second.end
    ]
    assert any(answer.reaches(item) for item in both)


def test_a_dpc_keeps_the_arguments_it_was_queued_with_7_1_3(bench: Bench) -> None:
    seen = "def Dpc(self, Dpc, Context, A, B):\n    self.Runs = A\n"
    text = main(
        "KeRaiseIrql(2, Old)",
        "First = KeInsertQueueDpc(self.D, 1, NULL)",
        "Second = KeInsertQueueDpc(self.D, 2, NULL)",
        "assert not Second",
        "KeLowerIrql(Old)",
        "KeFlushQueuedDpcs()",
        "assert self.Runs == 1",
    )
    assert bench.plain(DPC, READY, seen, text).holds
    lost = bench.plain(DPC, READY, seen, text.replace("Second = ", "").replace("not Second", "1"))
    assert lost.broken == "dpc-argument-lost"


def test_remove_gives_true_and_it_never_runs_7_3_1(bench: Bench) -> None:
    text = main(
        "KeRaiseIrql(2, Old)",
        "KeInsertQueueDpc(self.D)",
        "Removed = KeRemoveQueueDpc(self.D)",
        "Again = KeRemoveQueueDpc(self.D)",
        "assert Removed and not Again",
        "KeLowerIrql(Old)",
        "assert not self.Runs",
    )
    assert bench.plain(DPC, READY, COUNT, text, processors=2).holds


def test_remove_gives_false_while_it_runs_7_3_1(bench: Bench) -> None:
    text = """
    Inside = Bit(0, volatile=True)
    def Dpc(self, Dpc, Context, A, B):
        self.Inside = 1
        self.Inside = 0
    def Main(self):
        KeInsertQueueDpc(self.D)
    def Remove(self):
        Removed = KeRemoveQueueDpc(self.D)
        assert Removed or not self.Inside
    """
    threads = "Drv.Main, Drv.Remove"
    assert bench.plain(DPC, READY, text, threads=threads, processors=2).broken == "assertion-failed"
    assert bench.plain(DPC, READY, text, threads=threads).holds


def test_the_knob_lets_a_removed_dpc_run_7_3_2(bench: Bench) -> None:
    text = main(
        "KeRaiseIrql(2, Old)", "KeInsertQueueDpc(self.D)", "Removed = KeRemoveQueueDpc(self.D)",
        "assert Removed", "KeLowerIrql(Old)", "assert not self.Runs",
    )  # fmt: skip
    knobs = {"weak_remove_queue_dpc": "yes"}
    answer = bench.check(DPC, READY, COUNT, text, threads="Drv.Main", device="", knobs=knobs)
    assert answer.broken == "assertion-failed"


def test_flush_waits_for_the_queued_and_the_running_7_3_3(bench: Bench) -> None:
    text = """
    def Queue(self):
        KeInsertQueueDpc(self.D)
    def Main(self):
        KeFlushQueuedDpcs()
    """
    slow = (
        "Inside = Bit(0, volatile=True)\n"
        "def Dpc(self, Dpc, Context, A, B):\n    self.Inside = 1\n    self.Inside = 0\n"
    )
    flush = "def Main(self):\n    Before = self.Inside\n    KeFlushQueuedDpcs()\n"
    claim = "    After = self.Inside\n    assert not (Before and After)\n"
    queue = "def Queue(self):\n    KeInsertQueueDpc(self.D)\n"
    threads = "Drv.Queue, Drv.Main"
    held = bench.plain(DPC, READY, slow, queue, flush + claim, threads=threads, processors=2)
    assert held.holds, held.verdict
    # Only the snapshot: one queued during the call may still run afterwards.
    weak = flush + "    assert not self.Inside\n"
    late = bench.plain(DPC, READY, slow, queue, weak, threads=threads, processors=2)
    assert late.broken == "assertion-failed"
    assert bench.plain(DPC, READY, COUNT, text, threads=threads, processors=2).holds


@pytest.mark.parametrize("before", ["pass", "KeInsertQueueDpc(self.D)"])
def test_flush_where_no_dpc_was_ever_initialised_7_3_3(bench: Bench, before: str) -> None:
    answer = bench.plain("D = KDPC()\n", main(before, "KeFlushQueuedDpcs()"), processors=2)
    assert answer.broken == ("" if before == "pass" else "uninitialized-object"), answer.verdict


def test_flush_does_not_wait_for_what_is_removed_7_3_1(bench: Bench) -> None:
    text = main(
        "KeSetTargetProcessorDpc(self.D, 1)", "KeInsertQueueDpc(self.D)", "KeFlushQueuedDpcs()"
    ) + "def Remove(self):\n    KeRemoveQueueDpc(self.D)\n"  # fmt: skip
    answer = bench.plain(DPC, READY, COUNT, text, threads="Drv.Main, Drv.Remove", processors=2)
    assert answer.holds, answer.verdict


@pytest.mark.parametrize(
    ("lines", "broken", "bug_check"),
    [
        (["KeRaiseIrql(2, A)", "KeFlushQueuedDpcs()"], "irql-too-high", "(0xE5)"),
        (["KeInsertQueueDpc(self.Never)"], "uninitialized-object", "0xC7 "),
        (["KeRaiseIrql(2, A)", "KeInsertQueueDpc(self.D)", "KeInitializeDpc(self.D, self.Dpc)"],
         "free-while-queued", "0xC7 "),
        (["IoRequestDpc(self.Device)"], "dpc-requested-outside-isr", "(0xE5)"),
    ],
)  # fmt: skip
def test_what_breaks_7_1(bench: Bench, lines: list[str], broken: str, bug_check: str) -> None:
    more = "Never = KDPC()\nDevice = DEVICE_OBJECT()\n"
    start = READY + "    IoInitializeDpcRequest(self.Device, self.Dpc)\n"
    answer = bench.plain(DPC, more, start, COUNT, main(*lines))
    assert answer.broken == broken
    assert bug_check in answer.bug_check


@pytest.mark.parametrize(
    ("lines", "broken", "bug_check"),
    [
        ("KeWaitForSingleObject(self.E)", "wait-at-dispatch-level", "0xB8 "),
        ("KeDelayExecutionThread()", "wait-at-dispatch-level", "0xB8 "),
        ("KeRaiseIrql(5, Old)", "irql-not-restored", "0xC8 "),
        ("KeLowerIrql(0)", "irql-lowered-wrongly", "(0x31)"),
    ],
)
def test_what_a_dpc_must_not_do_7_1(bench: Bench, lines: str, broken: str, bug_check: str) -> None:
    dpc = f"E = KEVENT()\ndef Dpc(self, Dpc, Context, A, B):\n    {lines}\n"
    answer = bench.plain(DPC, dpc, READY, main("KeInsertQueueDpc(self.D)"))
    assert answer.broken == broken
    assert bug_check in answer.bug_check


ISR_AND_DPC = """
Device = DEVICE_OBJECT()
Inside = Bit(0, volatile=True)
Nested = Bit(0, volatile=True)
def Isr(self, Interrupt, ServiceContext):
    if not self.nic.cause:
        return FALSE
    self.nic.cause = 0
    if self.Inside:
        self.Nested = 1
    IoRequestDpc(self.Device)
    return TRUE
def Dpc(self, Dpc, DeviceObject, Irp, Context):
    assert DeviceObject == self.Device
    self.Inside = 1
    self.Inside = 0
"""


def test_an_isr_runs_during_its_dpc_also_on_one_processor_7_2_3(bench: Bench) -> None:
    start = CONNECT.replace(
        "status =", "IoInitializeDpcRequest(self.Device, self.Dpc)\n    status =", 1
    )
    answer = bench.check(start, ISR_AND_DPC)
    assert answer.reaches({"driver.Nested": 1})
    assert answer.reaches({"Device queued on": "P0", "driver.Inside": 1})


def test_initialising_forgets_the_target_7_1_12(bench: Bench) -> None:
    answer = bench.plain(
        "D = KDPC()\ndef Dpc(self, Dpc, Context, A, B):\n    return\n"
        "def Main(self):\n    KeInitializeDpc(self.D, self.Dpc)\n"
        "    KeSetTargetProcessorDpc(self.D, 1)\n    KeInitializeDpc(self.D, self.Dpc)\n"
        "    KeInsertQueueDpc(self.D)\n",
        processors=2,
    )
    assert answer.reaches({"D queued on": "P0"})


def test_a_driver_without_dpcs_may_wait_for_them_7_3_3(bench: Bench) -> None:
    assert bench.plain("def Main(self):\n    KeFlushQueuedDpcs()\n", processors=2).holds
