"""From the line to the service routine: rules 1.3, 4.1 to 4.3 and 4.5."""

import pytest

from dirql.model.domain import Value

from .drivers import CONNECT, SERVE, Bench

TWO_LINES = """
class Dev(Device):
    cause = Bit(0)
    def line(self):
        return self.cause
    @hardware
    def event(self):
        self.cause = 1
"""


def two(low: int, high: int) -> str:
    return f"""
Low = Dev(Line(irql={low}, vector=50))
High = Dev(Line(irql={high}, vector=51))
First = PKINTERRUPT()
Second = PKINTERRUPT()
InLow = Bit(0, volatile=True)
InHigh = Bit(0, volatile=True)
def Start(self):
    status = IoConnectInterrupt(self.First, self.LowIsr, Vector=50)
    if NT_SUCCESS(status):
        status = IoConnectInterrupt(self.Second, self.HighIsr, Vector=51)
    return status
def LowIsr(self, Interrupt, ServiceContext):
    self.InLow = 1
    self.Low.cause = 0
    self.InLow = 0
    return TRUE
def HighIsr(self, Interrupt, ServiceContext):
    self.InHigh = 1
    self.High.cause = 0
    self.InHigh = 0
    return TRUE
"""


@pytest.mark.parametrize(("high", "nested"), [(9, True), (8, True), (7, False)])
def test_only_a_higher_irql_preempts_1_3_1(bench: Bench, high: int, *, nested: bool) -> None:
    answer = bench.check(two(7, high), device=TWO_LINES, properties=("assertion-failed",))
    assert answer.reaches({"driver.InLow": 1, "driver.InHigh": 1}) == nested
    never: dict[str, Value] = {"at Low interrupt@P0": "idle", "driver.InLow": 1}
    assert not answer.reaches(never)


def test_on_two_processors_they_overlap_1_3_4(bench: Bench) -> None:
    asked = ("assertion-failed",)
    answer = bench.check(two(7, 7), device=TWO_LINES, processors=2, properties=asked)
    assert answer.reaches({"driver.InLow": 1, "driver.InHigh": 1})


COUNTED = """
Inside = Int(0, 2, volatile=True)
def Isr(self, Interrupt, ServiceContext):
    assert KeGetCurrentIrql() == 7
    InterlockedIncrement(self.Inside)
    assert self.Inside == 1
    self.nic.cause = 0
    InterlockedDecrement(self.Inside)
    return TRUE
"""


@pytest.mark.parametrize("processors", [1, 2])
def test_one_registration_never_runs_twice_at_once_4_1_2(bench: Bench, processors: int) -> None:
    assert bench.check(CONNECT, COUNTED, processors=processors).holds


def test_a_second_processor_spins_for_the_lock_4_1_2(bench: Bench) -> None:
    """Of a latched line: one that is level-sensitive is in service on one processor (4.3.6)."""
    answer = bench.check(CONNECT, COUNTED, processors=2, line="irql=7, mode=Latched")
    spin = [
        point.label
        for point in answer.system.points
        if point.context == "nic interrupt@P1" and point.waits_for
    ]
    assert spin
    assert any(answer.reaches({"at nic interrupt@P1": label, "driver.Inside": 1}) for label in spin)


def test_the_isr_runs_at_synchronize_irql_1_2_1(bench: Bench) -> None:
    start = CONNECT.replace("self.Isr)", "self.Isr, SynchronizeIrql=9)")
    assert bench.check(start, COUNTED.replace("== 7", "== 9")).holds


def test_affinity_is_respected_2_5(bench: Bench) -> None:
    start = CONNECT.replace("self.Isr)", "self.Isr, ProcessorEnableMask=2)")
    answer = bench.check(start, COUNTED, processors=2)
    assert answer.holds, answer.verdict
    names = {item.name for item in answer.system.machine.contexts}
    assert "nic interrupt@P1" in names
    assert "nic interrupt@P0" not in names


EDGE = "irql=7, mode=Latched"
EDGES = '''
class Nic(Device):
    """Each event is a pulse, and three of them happen at most."""

    level = Bit(0)
    pulses = Int(0, 3)

    def line(self):
        return self.level

    @hardware
    def rise(self):
        if not self.level and self.pulses < 3:
            self.level = 1
            self.pulses = self.pulses + 1

    @hardware
    def fall(self):
        self.level = 0
'''
CALLS = """
Calls = Int(0, 3, volatile=True)
Inside = Bit(0, volatile=True)
def Start(self):
    return IoConnectInterrupt(self.Interrupt, self.Isr)
def Isr(self, Interrupt, ServiceContext):
    self.Inside = 1
    InterlockedIncrement(self.Calls)
    self.Inside = 0
    return TRUE
"""


@pytest.mark.parametrize("processors", [1, 2])
def test_edges_coalesce_and_arrive_again_4_3_5_10_26(bench: Bench, processors: int) -> None:
    answer = bench.check(
        CALLS, device=EDGES, line=EDGE, processors=processors, properties=("value-out-of-range",),
        knobs={"spurious_calls": "no"},
    )  # fmt: skip
    assert answer.holds, answer.verdict  # never more calls than pulses
    rest: dict[str, Value] = {f"at nic interrupt@P{number}": "idle" for number in range(processors)}
    after = {**rest, "nic.pulses": 3, "nic edge pending": False}
    assert answer.reaches({**after, "driver.Calls": 1, "Isr interrupt is": "connected"})
    assert answer.reaches({**after, "driver.Calls": 3})
    assert answer.reaches({"driver.Inside": 1, "nic edge pending": True})


def test_a_level_line_fires_again_until_it_is_quiet_4_3_3(bench: Bench) -> None:
    """Two causes, one served for each call: the thread never sees one left over."""
    device = """
class Nic(Device):
    one = Bit(1)
    other = Bit(1)
    masked = Bit(1)
    def line(self):
        return (self.one or self.other) and not self.masked
    """
    text = """
    def Isr(self, Interrupt, ServiceContext):
        if self.nic.one:
            self.nic.one = 0
        else:
            self.nic.other = 0
        return TRUE
    """
    answer = bench.check(CONNECT, text, device=device)
    assert answer.holds, answer.verdict
    assert answer.reaches({"nic.one": 0, "nic.other": 0})


@pytest.mark.parametrize("processors", [1, 2])
def test_the_next_interrupt_of_a_level_line_may_come_late_4_3_3(
    bench: Bench, processors: int
) -> None:
    """The DPC of the first cause can run while the second one still asks, here or elsewhere."""
    device = """
class Nic(Device):
    one = Bit(1)
    other = Bit(1)
    masked = Bit(1)
    def line(self):
        return (self.one or self.other) and not self.masked
    """
    text = """
    D = KDPC()
    def Start(self):
        KeInitializeDpc(self.D, self.Dpc)
        status = IoConnectInterrupt(self.Interrupt, self.Isr)
        if NT_SUCCESS(status):
            self.nic.masked = 0
        return status
    def Isr(self, Interrupt, ServiceContext):
        if self.nic.one:
            self.nic.one = 0
            KeInsertQueueDpc(self.D)
        else:
            self.nic.other = 0
        return TRUE
    def Dpc(self, Dpc, Context, A, B):
        assert not self.nic.other
    """
    answer = bench.check(text, device=device, processors=processors)
    assert answer.broken == "assertion-failed"


def test_a_storm_does_not_end_by_luck_4_5_2(bench: Bench) -> None:
    """The DPC would quiet the device, and on one processor it never gets to run."""
    text = """
    D = KDPC()
    def Start(self):
        KeInitializeDpc(self.D, self.Dpc)
        status = IoConnectInterrupt(self.Interrupt, self.Isr)
        if NT_SUCCESS(status):
            self.nic.masked = 0
        return status
    def Isr(self, Interrupt, ServiceContext):
        KeInsertQueueDpc(self.D)
        return TRUE
    def Dpc(self, Dpc, Context, A, B):
        self.nic.cause = 0
    """
    assert bench.check(text).broken == "stuck-context"


@pytest.mark.parametrize(
    ("result", "line", "broken", "bug_check"),
    [
        ("FALSE", "irql=7", "unclaimed-level-interrupt", "0xF2 "),
        ("FALSE", "irql=7, shared=True", "unclaimed-level-interrupt", "0xF2 "),
        ("FALSE", EDGE, "", ""),
    ],
)
def test_nobody_claims_4_2_5_4_3_4(
    bench: Bench, result: str, line: str, broken: str, bug_check: str
) -> None:
    text = f"def Isr(self, Interrupt, ServiceContext):\n    return {result}\n"
    answer = bench.check(
        CONNECT, text, line=line, properties=("unclaimed-level-interrupt", "stuck-context")
    )
    assert answer.broken == broken
    assert not broken or bug_check in answer.bug_check


@pytest.mark.parametrize("processors", [1, 2])
@pytest.mark.parametrize("line", ["irql=7", "irql=7, shared=True"])
def test_claiming_without_quieting_is_a_storm_4_5_2(
    bench: Bench, line: str, processors: int
) -> None:
    text = "def Isr(self, Interrupt, ServiceContext):\n    return TRUE\n"
    answer = bench.check(CONNECT, text, line=line, processors=processors)
    assert answer.broken == "stuck-context"


SHARED = "irql=7, shared=True"


@pytest.mark.parametrize("order", ["own_first", "foreign_first"])
@pytest.mark.parametrize("processors", [1, 2])
def test_a_correct_isr_shares_its_line_4_2_6(bench: Bench, order: str, processors: int) -> None:
    answer = bench.check(
        CONNECT, SERVE, line=SHARED, processors=processors, knobs={"chain_order": order}
    )
    assert answer.holds, answer.verdict


@pytest.mark.parametrize(("order", "called"), [("own_first", True), ("foreign_first", False)])
def test_a_level_walk_stops_at_the_first_claim_4_2_4(
    bench: Bench, order: str, *, called: bool
) -> None:
    """Only the foreign device asks: the own routine is called, or not, by the order."""
    text = (
        "Called = Bit(0, volatile=True)\n"
        "def Isr(self, Interrupt, ServiceContext):\n    self.Called = 1\n    return FALSE\n"
    )
    quiet = CONNECT.replace("    self.nic.masked = 0\n", "")
    answer = bench.check(
        quiet, text, line=SHARED, knobs={"chain_order": order}, properties=("assertion-failed",)
    )
    assert answer.reaches({"driver.Called": 1}) == called


def test_claiming_a_foreign_interrupt_starves_its_owner_4_2_9(bench: Bench) -> None:
    text = "def Isr(self, Interrupt, ServiceContext):\n    self.nic.cause = 0\n    return TRUE\n"
    assert bench.check(CONNECT, text, line=SHARED).broken == "stuck-context"


def test_serving_without_claiming_4_1_4(bench: Bench) -> None:
    text = SERVE.replace("return TRUE", "return FALSE")
    assert bench.check(CONNECT, text, line=SHARED).broken == "handled-but-unclaimed"
    assert bench.check(CONNECT, text).holds  # 4.1.5: alone on its line the result does not matter


@pytest.mark.parametrize(
    ("knob", "broken"),
    [("repeat_until_clean", "stuck-context"), ("call_all_once", ""), ("stop_at_true", "")],
)
def test_a_latched_chain_repeats_until_nobody_claims_10_20(
    bench: Bench, knob: str, broken: str
) -> None:
    text = "def Isr(self, Interrupt, ServiceContext):\n    return TRUE\n"
    answer = bench.check(
        CONNECT, text, line="irql=7, mode=Latched, shared=True", knobs={"latched_chain": knob},
        properties=("stuck-context",),
    )  # fmt: skip
    assert answer.broken == broken


def test_spurious_calls_4_5_1(bench: Bench) -> None:
    text = (
        "def Isr(self, Interrupt, ServiceContext):\n    assert self.nic.cause\n"
        "    self.nic.cause = 0\n    return TRUE\n"
    )
    assert bench.check(CONNECT, text, knobs={"spurious_calls": "no"}).holds
    for value in ("either", "yes"):
        answer = bench.check(CONNECT, text, knobs={"spurious_calls": value})
        assert answer.broken == "assertion-failed"
    assert bench.check(CONNECT, text).broken == "assertion-failed"


@pytest.mark.parametrize("mode", ["LevelSensitive", "Latched"])
@pytest.mark.parametrize("processors", [1, 2])
def test_a_routine_that_says_false_to_a_spurious_call_is_right_4_5_1(
    bench: Bench, mode: str, processors: int
) -> None:
    answer = bench.check(CONNECT, SERVE, processors=processors, line=f"irql=7, mode={mode}")
    assert answer.holds, answer.verdict


@pytest.mark.parametrize(("share", "broken"), [("FALSE", ""), ("TRUE", "assertion-failed")])
def test_who_says_shared_is_called_for_others_2_2_1(bench: Bench, share: str, broken: str) -> None:
    """Also where the line is the device's own, and spurious calls are ruled out."""
    text = (
        "def Isr(self, Interrupt, ServiceContext):\n    assert self.nic.cause\n"
        "    self.nic.cause = 0\n    return TRUE\n"
    )
    start = CONNECT.replace("self.Isr)", f"self.Isr, ShareVector={share})")
    answer = bench.check(start, text, knobs={"spurious_calls": "no"})
    assert answer.broken == broken


def test_it_is_called_before_the_connect_has_returned_2_2_4(bench: Bench) -> None:
    """A quiet device does not keep a service routine from being called too early."""
    text = SERVE.replace("    if not", "    assert self.Interrupt != NULL\n    if not", 1)
    assert bench.check(CONNECT, text).broken == "assertion-failed"
    assert bench.check(CONNECT, text, knobs={"out_pointer_before_arm": "yes"}).holds


def test_a_spurious_call_is_no_way_out_4_5_1(bench: Bench) -> None:
    """A thread that waits for what only a call for nothing would bring waits for ever."""
    text = (
        "Calls = Bit(0, volatile=True)\n" + SERVE.replace(
            "    if not", "    self.Calls = 1\n    if not", 1)
        + "def Main(self):\n    while not self.Calls:\n        pass\n"
    )  # fmt: skip
    quiet = CONNECT.replace("    self.nic.masked = 0\n", "")
    assert bench.check(quiet, text, threads="Drv.Main").broken == "stuck-context"
    assert bench.check(CONNECT, text, threads="Drv.Main").holds


def test_on_a_shared_line_the_neighbour_does_as_much_4_5_1(bench: Bench) -> None:
    counts = {
        bench.check(
            CONNECT, SERVE, line="irql=7, shared=True", knobs={"spurious_calls": value}
        ).states
        for value in ("no", "either")
    }
    assert len(counts) == 1


@pytest.mark.parametrize(
    ("lines", "broken", "bug_check"),
    [
        ("KeRaiseIrql(9, Old)", "irql-not-restored", "0xC8 "),
        ("KeSetEvent(self.E)", "irql-too-high", "(0x80)"),
        ("KeAcquireSpinLock(self.L, Old)", "irql-too-high", "(0x42)"),
        ("KeWaitForSingleObject(self.E)", "wait-at-dispatch-level", "(0x120)"),
        ("KeSynchronizeExecution(Interrupt, self.Nothing)", "recursive-lock-acquire", "0xF "),
        ("IoQueueWorkItem(self.W, self.Work)", "irql-too-high", "(0xE5)"),
        ("KeLowerIrql(2)", "irql-lowered-wrongly", "(0x31)"),
    ],
)
def test_what_an_isr_must_not_do_r27_to_r34(
    bench: Bench, lines: str, broken: str, bug_check: str
) -> None:
    text = f"""
E = KEVENT()
L = KSPIN_LOCK()
W = IO_WORKITEM()
def Nothing(self, Context):
    return TRUE
def Work(self, DeviceObject, Context):
    return
def Isr(self, Interrupt, ServiceContext):
    self.nic.cause = 0
    {lines}
    return TRUE
"""
    answer = bench.check(CONNECT, text)
    assert answer.broken == broken
    assert bug_check in answer.bug_check


def test_a_shared_line_goes_where_the_own_registration_asks_for_it_2_5(bench: Bench) -> None:
    """The foreign driver alone is never called on a processor outside ProcessorEnableMask."""
    text = (
        "def Isr(self, Interrupt, ServiceContext):\n    if not self.nic.cause: return FALSE\n"
        "    self.nic.cause = 0\n    return TRUE\n"
    )
    masked = CONNECT.replace("self.Isr)", "self.Isr, ProcessorEnableMask=1)")
    assert masked != CONNECT
    assert bench.check(masked, text, line=SHARED, processors=2).holds


@pytest.mark.parametrize("mode", ["LevelSensitive", "Latched"])
@pytest.mark.parametrize("shared", ["False", "True"])
def test_a_level_line_is_in_service_on_one_processor_4_3_6(
    bench: Bench, mode: str, shared: str
) -> None:
    """A latched one is free as soon as its request is accepted."""
    line = f"irql=7, mode={mode}, shared={shared}"
    answer = bench.check(CONNECT, SERVE, processors=2, line=line)
    assert answer.holds, answer.verdict
    slots = [f"nic interrupt@{name}" for name in ("P0", "P1")]
    both = any(
        answer.reaches({f"at {slots[0]}": first.label, f"at {slots[1]}": second.label})
        for first in answer.system.points
        for second in answer.system.points
        if [first.context, second.context] == slots and not first.end and not second.end
    )
    assert both == (mode == "Latched")


BOOKKEEPING = (
    "D = KDPC()\ndef Dpc(self, Dpc, Context):\n    return\n"
    + CONNECT.replace("    status =", "    KeInitializeDpc(self.D, self.Dpc)\n    status =", 1)
    + "def Isr(self, Interrupt, ServiceContext):\n"
)
QUEUES = "    KeInsertQueueDpc(self.D)\n"
SERVES = (
    "    if not self.nic.cause:\n        return FALSE\n    self.nic.cause = 0\n    return TRUE\n"
)
LOOKS_FIRST = (
    f"    mine = self.nic.cause\n{QUEUES}    if not mine:\n        return FALSE\n"
    "    self.nic.cause = 0\n    return TRUE\n"
)


@pytest.mark.parametrize("mode", ["LevelSensitive", "Latched"])
@pytest.mark.parametrize("processors", [1, 2])
@pytest.mark.parametrize(
    ("body", "broken"),
    [
        (QUEUES + SERVES, ""),
        (SERVES.replace("    self.nic.cause = 0\n", QUEUES + "    self.nic.cause = 0\n"), ""),
        (LOOKS_FIRST, ""),
        (QUEUES + "    return FALSE\n", "handled-but-unclaimed"),
        (QUEUES + "    if self.nic.cause:\n        return FALSE\n    return FALSE\n",
         "handled-but-unclaimed"),
        (QUEUES + "    self.nic.cause = 0\n    return FALSE\n", "handled-but-unclaimed"),
    ],
)  # fmt: skip
def test_queued_work_is_no_claim_for_a_neighbour_4_1_4(
    bench: Bench, mode: str, processors: int, body: str, broken: str
) -> None:
    """Only where the own device asked all along; that it asks later is another interrupt."""
    answer = bench.check(
        BOOKKEEPING + body, line=f"irql=7, shared=True, mode={mode}", processors=processors,
        properties=("handled-but-unclaimed",),
    )  # fmt: skip
    assert answer.broken == broken, answer.verdict
