"""KeRaiseIrql, KeLowerIrql: rules 1.4."""

import pytest

from .drivers import CONNECT, SERVE, Bench


def test_raise_and_lower_in_pairs_1_4_1(bench: Bench) -> None:
    answer = bench.plain("""
    def Main(self):
        assert KeGetCurrentIrql() == PASSIVE_LEVEL
        KeRaiseIrql(DISPATCH_LEVEL, Old)
        assert Old == PASSIVE_LEVEL
        assert KeGetCurrentIrql() == DISPATCH_LEVEL
        Older = KeRaiseIrqlToDpcLevel()
        assert Older == DISPATCH_LEVEL
        KeRaiseIrql(9, Oldest)
        KeLowerIrql(Oldest)
        KeLowerIrql(Old)
        assert KeGetCurrentIrql() == PASSIVE_LEVEL
    """)
    assert answer.holds, answer.verdict


@pytest.mark.parametrize(
    ("calls", "broken", "bug_check"),
    [
        ("KeRaiseIrql(9, A)\n    KeRaiseIrql(2, B)", "irql-raised-downwards", "(0x30)"),
        ("KeRaiseIrql(16, A)", "irql-raised-downwards", "(0x30)"),
        ("KeRaiseIrql(9, A)\n    KeRaiseIrqlToDpcLevel()", "irql-raised-downwards", "(0x30)"),
        ("KeLowerIrql(2)", "irql-lowered-wrongly", "(0x31)"),
        ("KeRaiseIrql(2, A)", "irql-not-restored", "0xC9 "),
        (
            "KeRaiseIrql(9, A)\n    KeLowerIrql(2)\n    KeLowerIrql(A)",
            "irql-lowered-wrongly",
            "(0x31)",
        ),
        (
            "KeRaiseIrql(2, A)\n    KeRaiseIrql(9, B)\n    KeLowerIrql(A)",
            "irql-lowered-wrongly",
            "(0x31)",
        ),
        ("KeRaiseIrql(2, A)\n    KeRaiseIrql(2, B)\n    KeLowerIrql(A)", "", ""),
    ],
)
def test_what_breaks_1_4(bench: Bench, calls: str, broken: str, bug_check: str) -> None:
    answer = bench.plain(f"def Main(self):\n    {calls}\n")
    assert answer.broken == broken
    assert not broken or bug_check in answer.bug_check


def test_levels_out_of_fields_1_4_1(bench: Bench) -> None:
    """Each value the field can have is a way of its own."""
    answer = bench.plain("""
    Level = Int(2, 9, initial={2, 9})
    Saved = Int(0, 15)

    def Main(self):
        KeRaiseIrql(self.Level, Old)
        self.Saved = Old
        assert KeGetCurrentIrql() == 2 or KeGetCurrentIrql() == 9
        KeLowerIrql(self.Saved)
        assert KeGetCurrentIrql() == PASSIVE_LEVEL
    """)
    assert answer.holds, answer.verdict


@pytest.mark.parametrize(
    ("acquire", "release"),
    [
        (
            "KeAcquireSpinLock(self.Lock, Old)",
            "KeReleaseSpinLock(self.Lock, self.Saved)",
        ),
        ("KeRaiseIrql(9, Old)", "KeLowerIrql(self.Saved)"),
    ],
)
@pytest.mark.parametrize(("saved", "broken"), [("Old", ""), ("1", "irql-lowered-wrongly")])
def test_a_level_saved_in_a_field_1_4_2(
    bench: Bench, acquire: str, release: str, saved: str, broken: str
) -> None:
    answer = bench.plain(f"""
    Lock = KSPIN_LOCK()
    Saved = Int(0, 15)

    def Main(self):
        KeInitializeSpinLock(self.Lock)
        {acquire}
        self.Saved = {saved}
        {release}
    """)
    assert answer.broken == broken


def test_lowering_below_the_entry_level_1_4_2(bench: Bench) -> None:
    answer = bench.plain("def Main(self):\n    KeLowerIrql(0)\n", threads="At(2, Drv.Main)")
    assert answer.broken == "irql-lowered-wrongly"


@pytest.mark.parametrize("lower", [2, 0])
def test_lowering_below_a_spin_lock_6_2_7(bench: Bench, lower: int) -> None:
    answer = bench.plain(f"""
    Lock = KSPIN_LOCK()
    def Main(self):
        KeAcquireSpinLock(self.Lock, Old)
        KeRaiseIrql(5, Older)
        KeLowerIrql({lower})
        KeReleaseSpinLock(self.Lock, Old)
    """)
    assert answer.broken == ("" if lower == 2 else "irql-lowered-below-lock")
    assert lower == 2 or "0xF " in answer.bug_check


def test_lowering_below_an_interrupt_lock_6_2_7(bench: Bench) -> None:
    answer = bench.check(
        CONNECT,
        SERVE,
        """
        def Main(self):
            Old = KeAcquireInterruptSpinLock(self.Interrupt)
            KeLowerIrql(DISPATCH_LEVEL)
        """,
        threads="Drv.Main",
    )
    assert answer.broken == "irql-lowered-below-lock"


def test_no_dpc_or_thread_runs_at_a_raised_level_1_3_6(bench: Bench) -> None:
    body = """
    Inside = Bit(0, volatile=True)
    def Main(self):
        KeRaiseIrql(DISPATCH_LEVEL, Old)
        self.Inside = 1
        self.Inside = 0
        KeLowerIrql(Old)
    def Other(self):
        assert not self.Inside
    """
    threads = "Drv.Main, Drv.Other"
    assert bench.plain(body, threads=threads).holds
    assert bench.plain(body, threads=threads, processors=2).broken == "assertion-failed"


def test_below_dispatch_level_threads_interleave_1_3_7(bench: Bench) -> None:
    answer = bench.plain(
        """
        Inside = Bit(0, volatile=True)
        def Main(self):
            KeRaiseIrql(APC_LEVEL, Old)
            self.Inside = 1
            self.Inside = 0
            KeLowerIrql(Old)
        def Other(self):
            assert not self.Inside
        """,
        threads="Drv.Main, Drv.Other",
    )
    assert answer.broken == "assertion-failed"
