"""Remove locks: rules 6.6."""

import pytest

from .drivers import Bench

LOCK = "L = IO_REMOVE_LOCK()\nUsers = Int(0, 3, volatile=True)\n"
USE = (
    "def Use(self):\n    status = IoAcquireRemoveLock(self.L, NULL)\n"
    "    if not NT_SUCCESS(status):\n        assert status == STATUS_DELETE_PENDING\n"
    "        return\n"
    "    InterlockedIncrement(self.Users)\n    InterlockedDecrement(self.Users)\n"
    "    IoReleaseRemoveLock(self.L, NULL)\n"
)
REMOVE = (
    "def Remove(self):\n    IoAcquireRemoveLock(self.L)\n    IoReleaseRemoveLockAndWait(self.L)\n"
)


def main(*lines: str) -> str:
    return "def Main(self):\n" + "".join(f"    {line}\n" for line in lines)


def test_removal_waits_for_everybody_6_6_4(bench: Bench) -> None:
    text = LOCK + USE + REMOVE + "    assert not self.Users\n"
    answer = bench.plain(text, threads="Drv.Use, Drv.Use, Drv.Remove", processors=2)
    assert answer.holds, answer.verdict
    assert answer.reaches({"L acquisitions": 3})
    assert answer.reaches({"L acquisitions": 2, "L removed": True})


def test_nobody_acquires_it_after_that_6_6_2(bench: Bench) -> None:
    text = (
        LOCK
        + REMOVE
        + ("    status = IoAcquireRemoveLock(self.L)\n    assert status == STATUS_DELETE_PENDING\n")
    )
    assert bench.plain(text, threads="Drv.Remove").holds


def test_an_acquisition_that_is_kept_lets_removal_wait_for_ever_6_6_4(bench: Bench) -> None:
    text = LOCK + REMOVE + main("IoAcquireRemoveLock(self.L)")
    answer = bench.plain(text, threads="Drv.Main, Drv.Remove")
    assert answer.broken == "stuck-context"


def test_a_dpc_gives_back_what_a_thread_acquired_6_6_3(bench: Bench) -> None:
    dpc = (
        "D = KDPC()\ndef Start(self):\n    KeInitializeDpc(self.D, self.Dpc)\n"
        "    return STATUS_SUCCESS\n"
        "def Dpc(self, Dpc, Context, A, B):\n    IoReleaseRemoveLock(self.L)\n"
    )
    use = "def Use(self):\n    if NT_SUCCESS(IoAcquireRemoveLock(self.L)):\n"
    text = LOCK + dpc + use + "        KeInsertQueueDpc(self.D)\n" + REMOVE
    assert bench.plain(text, threads="Drv.Use, Drv.Remove", processors=2).holds


@pytest.mark.parametrize(
    ("lines", "broken", "bug_check"),
    [
        (["KeRaiseIrql(5, A)", "IoAcquireRemoveLock(self.L)"], "irql-too-high", "(0xE5)"),
        (["IoAcquireRemoveLock(self.L)", "KeRaiseIrql(5, A)", "IoReleaseRemoveLock(self.L)"],
         "irql-too-high", "(0xE5)"),
        (["IoAcquireRemoveLock(self.L)", "KeRaiseIrql(1, A)", "IoReleaseRemoveLockAndWait(self.L)"],
         "irql-too-high", "(0xE5)"),
        (["KeRaiseIrql(1, A)", "IoInitializeRemoveLock(self.L)"], "irql-too-high", "(0xE5)"),
        (["IoReleaseRemoveLock(self.L)"], "release-of-unowned-lock", "(0xD5)"),
        (["IoReleaseRemoveLockAndWait(self.L)"], "release-of-unowned-lock", "(0xD6)"),
        (["IoAcquireRemoveLock(self.L)", "IoReleaseRemoveLockAndWait(self.L)",
          "IoReleaseRemoveLockAndWait(self.L)"], "release-of-unowned-lock", "(0xD6)"),
        (["IoInitializeRemoveLock(self.L)"] * 2, "uninitialized-object", "(0xD7)"),
        (["IoAcquireRemoveLock(self.L)", "IoInitializeRemoveLock(self.L)"],
         "uninitialized-object", ""),
        (["while TRUE:", "    IoAcquireRemoveLock(self.L)"], "model-bound", ""),
    ],
)  # fmt: skip
def test_what_breaks_6_6(bench: Bench, lines: list[str], broken: str, bug_check: str) -> None:
    answer = bench.plain(LOCK + main(*lines))
    assert answer.broken.startswith(broken) or "more than 15 times" in answer.broken
    assert not bug_check or bug_check in answer.bug_check


SESSION = """
class Ext(Structure):
    Lock = IO_REMOVE_LOCK()
    Item = IO_WORKITEM()
    Done = KEVENT(NotificationEvent, FALSE)

"""
OPEN = (
    "ext = Ext()\n"
    "def Open(self):\n    ExAllocatePool2(self.ext)\n    IoInitializeRemoveLock(self.ext.Lock)\n"
)


def test_memory_allocated_again_holds_a_new_lock_6_6_1(bench: Bench) -> None:
    text = OPEN + main(
        "self.Open()",
        "IoAcquireRemoveLock(self.ext.Lock)",
        "ExFreePool(self.ext)",
        "self.Open()",
        "IoReleaseRemoveLock(self.ext.Lock)",
    )
    assert bench.check(text, device=SESSION, threads="Drv.Main").broken == "release-of-unowned-lock"


def test_a_lock_that_was_removed_is_new_in_memory_allocated_again_6_6_1(bench: Bench) -> None:
    session = (
        "self.Open()",
        "status = IoAcquireRemoveLock(self.ext.Lock)",
        "assert NT_SUCCESS(status)",
        "IoReleaseRemoveLockAndWait(self.ext.Lock)",
        "ExFreePool(self.ext)",
    )
    assert bench.check(OPEN + main(*session, *session), device=SESSION, threads="Drv.Main").holds


def test_the_memory_of_the_lock_stays_until_the_wait_is_over_6_6_4(bench: Bench) -> None:
    start = "def Start(self):\n    self.Open()\n" + 2 * "    IoAcquireRemoveLock(self.ext.Lock)\n"
    remove = "def Remove(self):\n    IoReleaseRemoveLockAndWait(self.ext.Lock)\n"
    last = main(
        "if NT_SUCCESS(IoAcquireRemoveLock(self.ext.Lock)):",
        "    IoReleaseRemoveLock(self.ext.Lock)",
        "    IoReleaseRemoveLock(self.ext.Lock)",
        "    return",
        "IoReleaseRemoveLock(self.ext.Lock)",
        "ExFreePool(self.ext)",
    )
    text = OPEN + start + "    return STATUS_SUCCESS\n" + remove + last
    answer = bench.check(text, device=SESSION, threads="Drv.Remove, Drv.Main", processors=2)
    assert answer.broken == "use-after-free"
