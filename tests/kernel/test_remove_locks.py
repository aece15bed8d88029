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
