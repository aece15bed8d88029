"""Executive, queued and cancel spin locks: rules 6.2 and 6.4."""

import pytest

from .drivers import Bench

LOCK = "Lock = KSPIN_LOCK()\nOther = KSPIN_LOCK()\n"


def main(*lines: str) -> str:
    return LOCK + "def Main(self):\n" + "".join(f"    {line}\n" for line in lines)


def test_correct_use_of_every_form_6_2(bench: Bench) -> None:
    answer = bench.plain(
        main(
            "KeInitializeSpinLock(self.Lock)",
            "KeAcquireSpinLock(self.Lock, Old)",
            "assert Old == PASSIVE_LEVEL",
            "assert KeGetCurrentIrql() == DISPATCH_LEVEL",
            "KeAcquireSpinLock(self.Other, Older)",
            "assert Older == DISPATCH_LEVEL",
            "KeReleaseSpinLock(self.Other, Older)",
            "KeAcquireSpinLockAtDpcLevel(self.Other)",
            "KeReleaseSpinLockFromDpcLevel(self.Other)",
            "Got = KeTryToAcquireSpinLockAtDpcLevel(self.Other)",
            "assert Got",
            "KeReleaseSpinLock(self.Other, DISPATCH_LEVEL)",
            "KeReleaseSpinLock(self.Lock, Old)",
            "assert KeGetCurrentIrql() == PASSIVE_LEVEL",
            "Free = KeTestSpinLock(self.Lock)",
            "assert Free",
            "Saved = KeAcquireSpinLockRaiseToDpc(self.Lock)",
            "KeReleaseSpinLock(self.Lock, Saved)",
        )
    )
    assert answer.holds, answer.verdict


TAKE = "KeAcquireSpinLock(self.Lock, Old)"
GIVE = "KeReleaseSpinLock(self.Lock, Old)"


@pytest.mark.parametrize(
    ("rule", "lines", "broken", "bug_check"),
    [
        ("6.2.1", ["KeRaiseIrql(5, A)", TAKE], "irql-too-high", "(0x42)"),
        ("6.2.2", ["KeAcquireSpinLockAtDpcLevel(self.Lock)"], "irql-too-low", "(0x40)"),
        ("6.2", ["KeTryToAcquireSpinLockAtDpcLevel(self.Lock)"], "irql-too-low", "(0x40)"),
        ("6.2.6", [TAKE, "KeAcquireSpinLockAtDpcLevel(self.Lock)"],
         "recursive-lock-acquire", "0xF "),
        ("6.2.12", ["KeReleaseSpinLock(self.Lock, 0)"], "release-of-unowned-lock", "0x10 "),
        (
            "6.2.4",
            [TAKE, "KeReleaseSpinLockFromDpcLevel(self.Lock)"],
            "mixed-lock-routines",
            "(0x1009)",
        ),
        (
            "6.2.4",
            ["KeRaiseIrql(2, A)", "KeAcquireSpinLockAtDpcLevel(self.Lock)",
             "KeReleaseSpinLock(self.Lock, A)"],
            "mixed-lock-routines",
            "(0x1009)",
        ),
        ("R41", [TAKE, "KeReleaseSpinLock(self.Lock, 1)"], "irql-lowered-wrongly", "0xA "),
        ("6.2.3", [TAKE, "KeRaiseIrql(5, A)", GIVE], "irql-too-high", "(0x32)"),
        (
            "10.46",
            ["KeRaiseIrql(2, A)", "KeTryToAcquireSpinLockAtDpcLevel(self.Lock)",
             "KeReleaseSpinLock(self.Lock, A)"],
            "irql-lowered-wrongly",
            "0xA ",
        ),
        (
            "0x1003",
            [TAKE, "KeAcquireSpinLock(self.Other, Older)", GIVE],
            "release-out-of-order",
            "(0x1003)",
        ),
        ("6.2", [TAKE, GIVE, "KeInitializeSpinLock(self.Lock)"],
         "uninitialized-object", "(0x1002)"),
        ("6.2.9", [TAKE], "lock-held-at-return", "0xC9 "),
        (
            "6.2.5",
            [TAKE, GIVE, "KeAcquireInStackQueuedSpinLock(self.Lock, Handle)"],
            "mixed-lock-kinds",
            "(0x1008)",
        ),
        (
            "6.2.4",
            ["KeAcquireInStackQueuedSpinLock(self.Lock, Handle)",
             "KeReleaseInStackQueuedSpinLockFromDpcLevel(Handle)"],
            "mixed-lock-routines",
            "(0x1009)",
        ),
        ("6.4.1", ["KeRaiseIrql(5, A)", "IoAcquireCancelSpinLock(Irql)"],
         "irql-too-high", "(0x42)"),
        ("R53", ["IoReleaseCancelSpinLock(0)"], "release-of-unowned-lock", "0x10 "),
    ],
)  # fmt: skip
def test_what_breaks(
    bench: Bench, rule: str, lines: list[str], broken: str, bug_check: str
) -> None:
    answer = bench.plain(main(*lines))
    assert answer.broken == broken, rule
    assert bug_check in answer.bug_check


def test_trying_for_an_own_lock_finds_it_busy_6_2(bench: Bench) -> None:
    answer = bench.plain(
        main(TAKE, "Got = KeTryToAcquireSpinLockAtDpcLevel(self.Lock)", "assert not Got", GIVE)
    )
    assert answer.holds, answer.verdict


def test_queued_and_cancel_locks_restore_the_level_6_2_13_6_4_1(bench: Bench) -> None:
    answer = bench.plain(
        main(
            "KeAcquireInStackQueuedSpinLock(self.Lock, Handle)",
            "assert KeGetCurrentIrql() == DISPATCH_LEVEL",
            "KeAcquireInStackQueuedSpinLockAtDpcLevel(self.Other, Inner)",
            "KeReleaseInStackQueuedSpinLockFromDpcLevel(Inner)",
            "KeReleaseInStackQueuedSpinLock(Handle)",
            "assert KeGetCurrentIrql() == PASSIVE_LEVEL",
            "IoAcquireCancelSpinLock(Irql)",
            "assert Irql == PASSIVE_LEVEL",
            "IoReleaseCancelSpinLock(Irql)",
        )
    )
    assert answer.holds, answer.verdict


@pytest.mark.parametrize("processors", [1, 2])
@pytest.mark.parametrize(
    ("take", "give"),
    [
        (TAKE, GIVE),
        (
            "KeAcquireInStackQueuedSpinLock(self.Lock, H)",
            "KeReleaseInStackQueuedSpinLock(H)",
        ),
        ("IoAcquireCancelSpinLock(Old)", "IoReleaseCancelSpinLock(Old)"),
        ("ExAcquireFastMutex(self.Mutex)", "ExReleaseFastMutex(self.Mutex)"),
    ],
)
def test_mutual_exclusion_6_2_6(bench: Bench, take: str, give: str, processors: int) -> None:
    body = (
        LOCK
        + "Mutex = FAST_MUTEX()\nCount = Int(0, 2)\n"
        + "".join(
            f"def {name}(self):\n    {take}\n    self.Count += 1\n    assert self.Count == 1\n"
            f"    self.Count -= 1\n    {give}\n"
            for name in ("Main", "Again")
        )
    )
    assert bench.plain(body, threads="Drv.Main, Drv.Again", processors=processors).holds


def test_without_the_lock_there_is_a_race(bench: Bench) -> None:
    body = "Count = Int(0, 2)\ndef Main(self):\n    self.Count += 1\n"
    answer = bench.plain(body, threads="Drv.Main, Drv.Main")
    assert answer.broken in ("data-race", "torn-read-modify-write")


def test_a_busy_lock_is_seen_busy_6_2(bench: Bench) -> None:
    body = LOCK + (
        "Busy = Bit(0, volatile=True)\n"
        "def Main(self):\n    KeAcquireSpinLock(self.Lock, Old)\n"
        "    KeReleaseSpinLock(self.Lock, Old)\n"
        "def Test(self):\n    Free = KeTestSpinLock(self.Lock)\n    assert Free\n"
        "def Try(self):\n    KeRaiseIrql(2, Old)\n"
        "    Got = KeTryToAcquireSpinLockAtDpcLevel(self.Lock)\n    assert Got\n"
        "    KeReleaseSpinLockFromDpcLevel(self.Lock)\n    KeLowerIrql(Old)\n"
    )
    for other in ("Drv.Test", "Drv.Try"):
        answer = bench.plain(body, threads=f"Drv.Main, {other}", processors=2)
        assert answer.broken == "assertion-failed"
        assert bench.plain(body, threads=f"Drv.Main, {other}").holds


def test_opposite_orders_deadlock_6_2_8(bench: Bench) -> None:
    body = LOCK + "".join(
        f"def {name}(self):\n    KeAcquireSpinLock(self.{a}, Old)\n"
        f"    KeAcquireSpinLockAtDpcLevel(self.{b})\n    KeReleaseSpinLockFromDpcLevel(self.{b})\n"
        f"    KeReleaseSpinLock(self.{a}, Old)\n"
        for name, a, b in (("Main", "Lock", "Other"), ("Back", "Other", "Lock"))
    )
    threads = "Drv.Main, Drv.Back"
    assert bench.plain(body, threads=threads).holds
    assert bench.plain(body, threads=threads, processors=2).broken == "lock-cycle"


@pytest.mark.parametrize(
    ("lines", "broken", "bug_check"),
    [
        (["ExAcquireFastMutex(self.M)", "ExAcquireFastMutex(self.M)"],
         "recursive-lock-acquire", "(0x1000)"),
        (["KeRaiseIrql(2, A)", "ExAcquireFastMutex(self.M)"], "irql-too-high", "(0x33)"),
        (["ExReleaseFastMutex(self.M)"], "release-of-unowned-lock", "(0x1007)"),
        (["ExAcquireFastMutex(self.M)", "KeRaiseIrql(2, A)", "ExReleaseFastMutex(self.M)"],
         "irql-too-high", "(0x34)"),
        (["ExAcquireFastMutex(self.M)", "KeLowerIrql(0)"], "irql-lowered-below-lock", ""),
        (["ExAcquireFastMutex(self.M)", "assert KeGetCurrentIrql() == APC_LEVEL",
          "ExReleaseFastMutex(self.M)", "assert KeGetCurrentIrql() == 0",
          "Got = ExTryToAcquireFastMutex(self.M)", "assert Got",
          "Again = ExTryToAcquireFastMutex(self.M)", "assert not Again",
          "ExReleaseFastMutex(self.M)", "assert KeGetCurrentIrql() == 0"], "", ""),
        (["ExInitializeFastMutex(self.M)", "ExAcquireFastMutex(self.M)",
          "ExReleaseFastMutex(self.M)", "ExInitializeFastMutex(self.M)"], "", ""),
        (["ExAcquireFastMutex(self.M)", "ExReleaseFastMutex(self.M)",
          "ExInitializeFastMutex(self.M)"], "uninitialized-object", "(0x1002)"),
        (["Got = ExTryToAcquireFastMutex(self.M)", "ExInitializeFastMutex(self.M)"],
         "uninitialized-object", "(0x1002)"),
        (["ExInitializeFastMutex(self.M)", "ExAcquireFastMutex(self.M)",
          "ExInitializeFastMutex(self.M)"], "uninitialized-object", "(0x1005)"),
        (["KeRaiseIrql(5, A)", "ExInitializeFastMutex(self.M)"], "irql-too-high", ""),
        (["KeRaiseIrql(2, A)", "ExInitializeFastMutex(self.M)", "KeLowerIrql(A)"], "", ""),
    ],
)  # fmt: skip
def test_fast_mutexes_6_5_7(bench: Bench, lines: list[str], broken: str, bug_check: str) -> None:
    text = "M = FAST_MUTEX()\ndef Main(self):\n" + "".join(f"    {line}\n" for line in lines)
    answer = bench.plain(text)
    assert answer.broken == broken
    assert not broken or bug_check in answer.bug_check


@pytest.mark.parametrize("processors", [1, 2])
def test_a_lock_in_memory_that_is_freed_meanwhile_r54(bench: Bench, processors: int) -> None:
    answer = bench.check(
        """
        session = Session()
        def Main(self):
            KeAcquireSpinLock(self.session.lock, Old)
            KeReleaseSpinLock(self.session.lock, Old)
        def Free(self):
            ExFreePool(self.session)
        """,
        device="\nclass Session(Structure):\n    lock = KSPIN_LOCK()\n",
        threads="Drv.Main, Drv.Free",
        processors=processors,
    )
    assert answer.broken == "use-after-free"


def test_a_ring_of_four_locks_is_a_lock_cycle_6_2_8(bench: Bench) -> None:
    names = "ABCD"
    locks = "".join(f"{name} = KSPIN_LOCK()\n" for name in names)
    threads = "".join(
        f"def Take{one}(self):\n    KeAcquireSpinLock(self.{one}, Old)\n"
        f"    KeAcquireSpinLockAtDpcLevel(self.{other})\n"
        f"    KeReleaseSpinLockFromDpcLevel(self.{other})\n"
        f"    KeReleaseSpinLock(self.{one}, Old)\n"
        for one, other in zip(names, names[1:] + names[:1], strict=True)
    )
    run = ", ".join(f"Drv.Take{name}" for name in names)
    answer = bench.plain(locks, threads, threads=run, processors=4)
    assert answer.broken == "lock-cycle"
    assert "0x133 " in answer.bug_check


@pytest.mark.parametrize("processors", [1, 2])
def test_threads_that_wait_for_mutexes_occupy_no_processor_6_5_7(
    bench: Bench, processors: int
) -> None:
    text = "M = FAST_MUTEX()\nN = FAST_MUTEX()\n" + "".join(
        f"def {name}(self):\n    ExAcquireFastMutex(self.{one})\n"
        f"    ExAcquireFastMutex(self.{other})\n    ExReleaseFastMutex(self.{other})\n"
        f"    ExReleaseFastMutex(self.{one})\n"
        for name, one, other in (("Main", "M", "N"), ("Other", "N", "M"))
    )
    answer = bench.plain(text, threads="Drv.Main, Drv.Other", processors=processors)
    assert answer.broken == "lock-cycle"
    assert answer.bug_check == ""


def test_returning_with_the_cancel_lock_is_0x11b_6_4_2(bench: Bench) -> None:
    answer = bench.plain("def Main(self):\n    IoAcquireCancelSpinLock(Old)\n")
    assert answer.broken == "lock-held-at-return"
    assert "0x11B " in answer.bug_check


@pytest.mark.parametrize(
    ("take", "give"),
    [
        ("KeAcquireSpinLock(self.Lock, Old)", "KeReleaseSpinLock(self.Lock, self.Saved)"),
        ("IoAcquireCancelSpinLock(Old)", "IoReleaseCancelSpinLock(self.Saved)"),
        ("KeRaiseIrql(DISPATCH_LEVEL, Old)", "KeLowerIrql(self.Saved)"),
    ],
)
def test_a_saved_level_may_lie_in_a_field_6_2_3_6_4_2(bench: Bench, take: str, give: str) -> None:
    text = f"Lock = KSPIN_LOCK()\nSaved = Int(0, 2)\ndef Main(self):\n    {take}\n"
    right = f"    self.Saved = Old\n    {give}\n    assert KeGetCurrentIrql() == PASSIVE_LEVEL\n"
    assert bench.plain(text + right).holds
    wrong = right.replace("= Old", "= APC_LEVEL")
    assert bench.plain(text + wrong).broken == "irql-lowered-wrongly"


def test_a_lock_is_not_initialised_while_it_is_owned_6_2_14(bench: Bench) -> None:
    ready = "    KeInitializeSpinLock(self.Lock)\n"
    text = "Lock = KSPIN_LOCK()\ndef Main(self):\n" + ready + ready
    text += (
        "    KeAcquireSpinLock(self.Lock, Old)\n{}    KeReleaseSpinLock(self.Lock, Old)\n" + ready
    )
    assert bench.plain(text.format("")).holds
    answer = bench.plain(text.format(ready))
    assert answer.broken == "uninitialized-object"
    assert "(0x1005)" in answer.bug_check


POOL = """
class Session(Structure):
    Lock = KSPIN_LOCK()
    Dpc = KDPC()
    Event = KEVENT()
    Timer = KTIMER()
    Count = Int(0, 3, volatile=True)
"""


@pytest.mark.parametrize(
    ("before", "use", "broken"),
    [
        ("KeInitializeSpinLock(self.s.Lock)", "Free = KeTestSpinLock(self.s.Lock)",
         "uninitialized-object"),
        ("KeInitializeDpc(self.s.Dpc, self.Dpc)", "KeInsertQueueDpc(self.s.Dpc)",
         "uninitialized-object"),
        ("KeInitializeEvent(self.s.Event, NotificationEvent, TRUE)", "KeClearEvent(self.s.Event)",
         "uninitialized-object"),
        ("KeInitializeTimer(self.s.Timer)", "KeCancelTimer(self.s.Timer)", "uninitialized-object"),
        ("KeSetEvent(self.s.Event)", "Set = KeReadStateEvent(self.s.Event)\n    assert not Set",
         ""),
        ("self.s.Count = 2", "assert self.s.Count == 0", ""),
    ],
)  # fmt: skip
def test_memory_allocated_again_is_as_new_3_4_11(
    bench: Bench, before: str, use: str, broken: str
) -> None:
    text = (
        "s = Session()\ndef Dpc(self, Dpc, Context, A, B):\n    return\ndef Main(self):\n"
        f"    ExAllocatePool2(self.s)\n    {before}\n    ExFreePool(self.s)\n"
        f"    ExAllocatePool2(self.s)\n    {use}\n"
    )
    assert bench.check(text, threads="Drv.Main", device=POOL).broken == broken


BOTH = (TAKE, "KeAcquireSpinLock(self.Other, Older)")
HAND_OVER_HAND = (
    TAKE,
    "KeAcquireSpinLockAtDpcLevel(self.Other)",
    "KeReleaseSpinLockFromDpcLevel(self.Lock)",
    "KeReleaseSpinLock(self.Other, Old)",
)
EXCHANGED = (*BOTH, "KeReleaseSpinLock(self.Lock, Older)", "KeReleaseSpinLock(self.Other, Old)")


@pytest.mark.parametrize("lines", [EXCHANGED, HAND_OVER_HAND])
@pytest.mark.parametrize(("behind", "broken"), [("TRUE", ""), ("FALSE", "assertion-failed")])
def test_exchanged_levels_that_bring_the_caller_back_are_survived_6_2_3(
    bench: Bench, lines: tuple[str, ...], behind: str, broken: str
) -> None:
    claims = ("assert KeGetCurrentIrql() == PASSIVE_LEVEL", f"assert {behind}")
    answer = bench.plain(
        main(*lines, *claims), properties=("assertion-failed", "irql-not-restored")
    )
    assert answer.broken == broken
    whole = bench.plain(main(*lines))
    assert whole.broken in ("release-out-of-order", "mixed-lock-routines")


@pytest.mark.parametrize(
    ("lines", "broken"),
    [
        ((*BOTH, "KeReleaseSpinLock(self.Other, Old)"), "irql-lowered-wrongly"),
        (
            (*BOTH, "KeReleaseSpinLock(self.Lock, Older)", "KeReleaseSpinLock(self.Other, Older)"),
            "irql-not-restored",
        ),
        ((TAKE, "KeReleaseSpinLock(self.Lock, APC_LEVEL)"), "irql-lowered-wrongly"),
    ],
)
def test_exchanged_levels_that_do_not_are_a_crash_6_2_3(
    bench: Bench, lines: tuple[str, ...], broken: str
) -> None:
    assert bench.plain(main(*lines), properties=(broken,)).broken == broken
