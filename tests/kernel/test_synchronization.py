"""The interrupt lock and interlocked operations: rules 6.1 and 6.3."""

import pytest

from .drivers import CONNECT, SERVE, Bench

PAIR = """
Count = Int(0, 2)
def Isr(self, Interrupt, ServiceContext):
    self.Count += 1
    assert self.Count == 1
    self.Count -= 1
    self.nic.cause = 0
    return TRUE
def Touch(self, Context):
    assert KeGetCurrentIrql() == 7
    self.Count += 1
    assert self.Count == 1
    self.Count -= 1
    return Context
"""
ENTER = {
    "KeSynchronizeExecution": """
def Main(self):
    Done = KeSynchronizeExecution(self.Interrupt, self.Touch, 1)
    assert Done
    Done = KeSynchronizeExecution(self.Interrupt, self.Touch, 0)
    assert not Done
    assert KeGetCurrentIrql() == PASSIVE_LEVEL
""",
    "KeAcquireInterruptSpinLock": """
def Main(self):
    Old = KeAcquireInterruptSpinLock(self.Interrupt)
    assert Old == PASSIVE_LEVEL
    self.Touch(NULL)
    KeReleaseInterruptSpinLock(self.Interrupt, Old)
    assert KeGetCurrentIrql() == PASSIVE_LEVEL
""",
}


@pytest.mark.parametrize("processors", [1, 2])
@pytest.mark.parametrize("call", sorted(ENTER))
def test_it_excludes_the_isr_6_1_2(bench: Bench, call: str, processors: int) -> None:
    answer = bench.check(CONNECT, PAIR, ENTER[call], threads="Drv.Main", processors=processors)
    assert answer.holds, answer.verdict


def test_without_it_there_is_a_race_6_1_8(bench: Bench) -> None:
    body = PAIR.replace("assert KeGetCurrentIrql() == 7", "pass") + (
        "def Main(self):\n    self.Count += 1\n"
    )
    assert bench.check(CONNECT, body, threads="Drv.Main", processors=2).broken != ""


MAIN = "def Nothing(self, Context):\n    return TRUE\ndef Main(self):\n"
SYNCH = "    KeSynchronizeExecution(self.Interrupt, self.Nothing)\n"
TAKE = "    Old = KeAcquireInterruptSpinLock(self.Interrupt)\n"
GIVE = "    KeReleaseInterruptSpinLock(self.Interrupt, Old)\n"


@pytest.mark.parametrize(
    ("rule", "text", "broken", "bug_check"),
    [
        ("6.1.4", "    KeRaiseIrql(9, A)\n" + SYNCH, "irql-too-high", "(0xE5)"),
        ("6.1.5", "    KeRaiseIrql(9, A)\n" + TAKE, "irql-too-high", "(0xE5)"),
        ("6.1.3", "    KeRaiseIrql(7, A)\n" + SYNCH + "    KeLowerIrql(A)\n", "", ""),
        ("6.1.6", TAKE + SYNCH, "recursive-lock-acquire", "0xF "),
        ("10.3", "    self.Interrupt = NULL\n" + SYNCH, "synchronize-on-dead-interrupt", ""),
        ("3.1.11", "    self.nic.masked = 1\n    IoDisconnectInterrupt(self.Interrupt)\n" + SYNCH,
         "synchronize-on-dead-interrupt", ""),
        ("R40", GIVE.replace("Old", "0"), "release-of-unowned-lock", "0x10 "),
        ("R40", TAKE + GIVE.replace("Old", "2"), "irql-lowered-wrongly", "0xA "),
        ("R48", TAKE + "    KeRaiseIrql(9, A)\n" + GIVE, "irql-too-high", "(0xE5)"),
        ("6.1.5", TAKE, "lock-held-at-return", ""),
    ],
)  # fmt: skip
def test_what_breaks_6_1(bench: Bench, rule: str, text: str, broken: str, bug_check: str) -> None:
    answer = bench.check(CONNECT, SERVE, MAIN + text, threads="Drv.Main")
    assert answer.broken == broken, rule
    assert not broken or bug_check in answer.bug_check


def test_an_executive_lock_does_not_keep_the_isr_out_6_1_7(bench: Bench) -> None:
    start = "Lock = KSPIN_LOCK()\n" + CONNECT.replace("self.Isr)", "self.Isr, NULL, self.Lock)")
    main = (
        "def Main(self):\n    KeAcquireSpinLock(self.Lock, Old)\n"
        "    KeReleaseSpinLock(self.Lock, Old)\n"
    )
    answer = bench.check(start, SERVE, main, threads="Drv.Main")
    assert answer.broken == "preemption-deadlock"


def test_an_object_freed_under_way_is_found_3_1_11(bench: Bench) -> None:
    main = (
        MAIN
        + SYNCH
        + "def Stop(self):\n    self.nic.masked = 1\n"
        + ("    IoDisconnectInterrupt(self.Interrupt)\n")
    )
    start = "Lock = KSPIN_LOCK()\n" + CONNECT.replace("self.Isr)", "self.Isr, NULL, self.Lock)")
    for connect in (CONNECT, start):
        answer = bench.check(connect, SERVE, main, threads="Drv.Main, Drv.Stop", processors=2)
        assert answer.broken == "synchronize-on-dead-interrupt"


SHARE = """
Low = Dev(Line(irql=5, vector=50))
High = Dev(Line(irql=9, vector=51))
Lock = KSPIN_LOCK()
First = PKINTERRUPT()
Second = PKINTERRUPT()
def Start(self):
    status = IoConnectInterrupt(self.First, self.LowIsr, NULL, self.Lock, 50, 5, {level})
    if NT_SUCCESS(status):
        status = IoConnectInterrupt(self.Second, self.HighIsr, NULL, self.Lock, 51, 9, 9)
    return status
def LowIsr(self, Interrupt, ServiceContext):
    self.Low.cause = 0
    return TRUE
def HighIsr(self, Interrupt, ServiceContext):
    self.High.cause = 0
    return TRUE
"""


@pytest.mark.parametrize(("level", "broken"), [(9, ""), (5, "preemption-deadlock")])
def test_a_shared_lock_needs_the_highest_level_2_1_8_2_1_10(
    bench: Bench, level: int, broken: str
) -> None:
    device = (
        "class Dev(Device):\n    cause = Bit(0)\n    def line(self):\n        return self.cause\n"
        "    @hardware\n    def event(self):\n        self.cause = 1\n"
    )
    text, asked = SHARE.format(level=level), ("preemption-deadlock", "stuck-context")
    assert bench.check(text, device=device, properties=asked).broken == broken


def test_interlocked_results_6_3_1(bench: Bench) -> None:
    answer = bench.plain("""
    N = Int(0, 7)
    Lock = KSPIN_LOCK()
    def Main(self):
        a = InterlockedIncrement(self.N)
        assert a == 1
        a = InterlockedExchangeAdd(self.N, 2)
        assert a == 1
        a = InterlockedAdd(self.N, 1)
        assert a == 4
        a = InterlockedDecrement(self.N)
        assert a == 3
        a = InterlockedOr(self.N, 4)
        assert a == 3
        a = InterlockedAnd(self.N, 6)
        assert a == 7
        a = InterlockedXor(self.N, 7)
        assert a == 6
        a = InterlockedExchange(self.N, 5)
        assert a == 1
        a = InterlockedCompareExchange(self.N, 7, 4)
        assert a == 5
        a = InterlockedCompareExchange(self.N, 7, 5)
        assert a == 5
        a = ReadNoFence(self.N)
        assert a == 7
        WriteNoFence(self.N, 2)
        a = ExInterlockedAddUlong(self.N, 3, self.Lock)
        assert a == 2
        assert self.N == 5
    """)
    assert answer.holds, answer.verdict


@pytest.mark.parametrize("call", ["InterlockedAdd(self.N, 5)", "WriteNoFence(self.N, 9)"])
def test_a_value_that_does_not_fit(bench: Bench, call: str) -> None:
    body = f"N = Int(0, 7)\ndef Main(self):\n    InterlockedExchange(self.N, 4)\n    {call}\n"
    assert bench.plain(body).broken == "value-out-of-range"


@pytest.mark.parametrize(
    ("bounds", "held", "comparand"),
    [
        ("-0x80000000, 0x7FFFFFFF", "STATUS_CANCELLED", "0xC0000120"),
        ("0, 0xFFFFFFFF", "0xC0000120", "STATUS_CANCELLED"),
    ],
)
def test_a_comparand_keeps_its_32_bits(
    bench: Bench, bounds: str, held: str, comparand: str
) -> None:
    answer = bench.plain(f"""
    N = Int({bounds})
    def Main(self):
        self.N = {held}
        InterlockedCompareExchange(self.N, 0, {comparand})
        assert self.N == 0
    """)
    assert answer.holds, answer.verdict


def test_interlocked_updates_are_never_torn_6_3_1(bench: Bench) -> None:
    body = "N = Int(0, 2)\ndef Main(self):\n    InterlockedIncrement(self.N)\n"
    assert bench.plain(body, threads="Drv.Main, Drv.Main", processors=2).holds
    mixed = body + "def Plain(self):\n    self.N = 0\n"
    assert bench.plain(mixed, threads="Drv.Main, Drv.Plain").broken == "data-race"


def test_the_lock_of_exinterlocked_6_3_3_10_50(bench: Bench) -> None:
    isr = """
    N = Int(0, 1, saturating=True)
    Lock = KSPIN_LOCK()
    def Isr(self, Interrupt, ServiceContext):
        ExInterlockedAddUlong(self.N, 1, self.Lock)
        self.nic.cause = 0
        return TRUE
    """
    own = "def Main(self):\n    ExInterlockedAddUlong(self.N, 1, self.Lock)\n"
    assert bench.check(CONNECT, isr, own, threads="Drv.Main", processors=2).holds
    plain = (
        "def Main(self):\n    KeAcquireSpinLock(self.Lock, Old)\n"
        "    KeReleaseSpinLock(self.Lock, Old)\n"
    )
    answer = bench.check(CONNECT, isr, plain, threads="Drv.Main")
    assert answer.broken == "mixed-lock-kinds"
