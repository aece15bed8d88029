"""Work items: rules 7.5. Memory and its lifetime: rules 3.4 and 7.1.12."""

import pytest

from .drivers import Bench

ITEM = """
W = IO_WORKITEM()
Self = DEVICE_OBJECT()
Runs = Int(0, 2, volatile=True, saturating=True)
def Work(self, DeviceObject, Context):
    assert KeGetCurrentIrql() == PASSIVE_LEVEL
    assert DeviceObject == self.Self
    InterlockedIncrement(self.Runs)
"""


def main(*lines: str) -> str:
    return "def Main(self):\n" + "".join(f"    {line}\n" for line in lines)


QUEUE = "IoQueueWorkItem(self.W, self.Work, DelayedWorkQueue, NULL)"


def test_it_runs_once_at_passive_level_7_5_1(bench: Bench) -> None:
    answer = bench.plain(ITEM, main("KeRaiseIrql(2, Old)", QUEUE, "KeLowerIrql(Old)"))
    assert answer.holds, answer.verdict
    assert answer.reaches({"driver.Runs": 1, "W is": "idle"})
    assert not answer.reaches({"driver.Runs": 2})


def test_it_may_requeue_itself_7_5_3(bench: Bench) -> None:
    again = ITEM.replace("InterlockedIncrement(self.Runs)", "if not self.Runs:\n"
                         "        self.Runs = 1\n        " + QUEUE)  # fmt: skip
    assert bench.plain(again, main(QUEUE)).holds


def test_it_may_free_itself_7_5_3(bench: Bench) -> None:
    free = ITEM + "    IoFreeWorkItem(self.W)\n"
    assert bench.plain(free, main(QUEUE)).holds
    assert bench.plain(free, main(QUEUE, QUEUE)).broken in (
        "work-item-queued-twice",
        "use-after-free",
    )


@pytest.mark.parametrize(
    ("lines", "broken", "bug_check"),
    [
        ([QUEUE, QUEUE], "work-item-queued-twice", "0xE4 "),
        (["KeRaiseIrql(5, A)", QUEUE], "irql-too-high", "(0xE5)"),
        ([QUEUE, "IoFreeWorkItem(self.W)"], "free-while-queued", "0xE4 "),
        (["IoFreeWorkItem(self.W)", QUEUE], "use-after-free", ""),
    ],
)
def test_what_breaks_7_5(bench: Bench, lines: list[str], broken: str, bug_check: str) -> None:
    answer = bench.plain(ITEM, main(*lines))
    assert answer.broken == broken
    assert bug_check in answer.bug_check


def test_returning_raised_is_0xe1_7_5_7(bench: Bench) -> None:
    answer = bench.plain(ITEM + "    KeRaiseIrql(2, Old)\n", main(QUEUE))
    assert answer.broken == "irql-not-restored"
    assert "0xE1 " in answer.bug_check


SESSION = """
class Session(Structure):
    dpc = KDPC()
    timer = KTIMER()
    item = IO_WORKITEM()
    x = Bit(0, volatile=True)
"""
OWNER = """
s = Session()
def Start(self):
    KeInitializeDpc(self.s.dpc, self.Dpc)
def Dpc(self, Dpc, Context, A, B):
    self.s.x = 1
def Work(self, DeviceObject, Context):
    self.s.x = 1
"""


@pytest.mark.parametrize(
    ("lines", "broken", "bug_check"),
    [
        (["KeRaiseIrql(2, A)", "KeInsertQueueDpc(self.s.dpc)", "ExFreePool(self.s)"],
         "free-while-queued", "0xC7 "),
        (["KeSetTimer(self.s.timer, 1, NULL)", "ExFreePool(self.s)"], "free-while-queued", "0xC7 "),
        (["IoQueueWorkItem(self.s.item, self.Work)", "ExFreePool(self.s)"],
         "free-while-queued", "0xE4 "),
        (["ExFreePool(self.s)", "ExFreePool(self.s)"], "double-free", "0xC2 "),
        (["ExFreePool(self.s)", "self.s.x = 1"], "use-after-free", "0x7E "),
        (["ExFreePool(self.s)", "KeInsertQueueDpc(self.s.dpc)"], "use-after-free", ""),
        (["KeRaiseIrql(5, A)", "ExFreePool(self.s)"], "irql-too-high", "(0x12)"),
        (["ExFreePool(self.s)"], "", ""),
    ],
)  # fmt: skip
def test_memory_7_1_12_3_4_10(bench: Bench, lines: list[str], broken: str, bug_check: str) -> None:
    answer = bench.check(OWNER, main(*lines), device=SESSION, threads="Drv.Main")
    assert answer.broken == broken
    assert not broken or bug_check in answer.bug_check


def test_a_dpc_in_progress_uses_freed_memory_r79(bench: Bench) -> None:
    lines = main(
        "KeInsertQueueDpc(self.s.dpc)", "KeRemoveQueueDpc(self.s.dpc)", "ExFreePool(self.s)"
    )
    answer = bench.check(OWNER, lines, device=SESSION, threads="Drv.Main", processors=2)
    assert answer.broken == "use-after-free"
    flushed = lines.replace("KeRemoveQueueDpc(self.s.dpc)", "KeFlushQueuedDpcs()")
    assert bench.check(OWNER, flushed, device=SESSION, threads="Drv.Main", processors=2).holds


def test_allocated_memory_exists_3_4_1(bench: Bench) -> None:
    device = SESSION.replace("x = Bit", "y = Bit(0)\n    x = Bit")
    owner = OWNER.replace("s = Session()", "s = Session(allocated=False)").replace(
        "def Start(self):\n    KeInitializeDpc(self.s.dpc, self.Dpc)\n", ""
    )
    lines = main("ExAllocatePool2(self.s)", "self.s.x = 1", "ExFreePool(self.s)")
    assert bench.check(owner, lines, device=device, threads="Drv.Main").holds
    early = main("self.s.x = 1", "ExAllocatePool2(self.s)")
    assert bench.check(owner, early, device=device, threads="Drv.Main").broken == "use-after-free"


def test_a_third_worker_is_a_limit_of_the_model_7_5_3(bench: Bench) -> None:
    """Both threads that serve the item wait, and it is queued once more: Windows has a third."""
    text = """
W = IO_WORKITEM()
E = KEVENT()
Runs = Int(0, 3, volatile=True)
def Work(self, DeviceObject, Context):
    InterlockedIncrement(self.Runs)
    KeWaitForSingleObject(self.E)
def Main(self):
    for i in range(RUNS):
        IoQueueWorkItem(self.W, self.Work)
        while self.Runs < i + 1:
            KeDelayExecutionThread()
    KeSetEvent(self.E)
"""
    assert bench.plain(text.replace("RUNS", "2")).holds
    assert "limit of the model" in bench.plain(text.replace("RUNS", "3")).broken


KEPT = (
    "Dev = DEVICE_OBJECT()\nW = IO_WORKITEM()\nCount = Bit(0, volatile=True)\n"
    "def Work(self, DeviceObject, Context):\n    self.Count = 1\n"
    "def Main(self):\n    IoQueueWorkItem(self.W, self.Work)\n    IoDeleteDevice(self.Dev)\n"
)


def test_a_work_item_keeps_the_device_object_7_5_5(bench: Bench) -> None:
    answer = bench.plain(KEPT, processors=2)
    assert answer.holds, answer.verdict
    assert answer.reaches({"driver exists": True, "driver.Count": 1, "at Main": "done"})
    assert answer.reaches({"driver exists": False, "driver.Count": 1, "at Main": "done"})
    assert not answer.reaches({"driver exists": False, "W is": "queued"})


@pytest.mark.parametrize(
    ("line", "broken"),
    [("self.Count = 0", "use-after-free"), ("IoDeleteDevice(self.Dev)", "double-free")],
)
def test_after_the_deletion_nothing_is_left_7_5_5(bench: Bench, line: str, broken: str) -> None:
    assert bench.plain(KEPT + f"    {line}\n").broken == broken


def test_the_last_work_item_leaves_no_dpc_behind_7_5_5(bench: Bench) -> None:
    answer = bench.plain(
        "Dev = DEVICE_OBJECT()\nW = IO_WORKITEM()\nD = KDPC()\nGo = KEVENT()\n"
        "def Dpc(self, Dpc, Context, A, B):\n    return\n"
        "def Work(self, DeviceObject, Context):\n    KeWaitForSingleObject(self.Go)\n"
        "    KeInsertQueueDpc(self.D)\n"
        "def Main(self):\n    KeInitializeDpc(self.D, self.Dpc)\n"
        "    KeSetTargetProcessorDpc(self.D, 1)\n    IoQueueWorkItem(self.W, self.Work)\n"
        "    IoDeleteDevice(self.Dev)\n    KeSetEvent(self.Go)\n",
        processors=2,
    )
    assert answer.broken == "free-while-queued"
    assert "the system releases the device object" in answer.detail
