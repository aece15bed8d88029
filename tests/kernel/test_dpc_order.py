"""The order in which queued DPCs start: rules 7.1.8, 10.65 and 10.66."""

import pytest

from .drivers import CONNECT, Bench

THREE = """
A = KDPC()
B = KDPC()
C = KDPC()
ran = Int(0, 3, volatile=True)
def Start(self):
    KeInitializeDpc(self.A, self.WorkA)
    KeInitializeDpc(self.B, self.WorkB)
    KeInitializeDpc(self.C, self.WorkC)
def WorkA(self, Dpc, Context):
    InterlockedIncrement(self.ran)
def WorkC(self, Dpc, Context):
    InterlockedIncrement(self.ran)
"""
"""Of three DPCs the second, `WorkB`, says which should have run before it."""


def main(*lines: str) -> str:
    body = ("KeRaiseIrql(DISPATCH_LEVEL, Old)", *lines, "KeLowerIrql(Old)")
    return "def Main(self):\n" + "".join(f"    {line}\n" for line in body)


def work_b(before: int) -> str:
    return f"def WorkB(self, Dpc, Context):\n    assert self.ran == {before}\n"


def queue(*names: str) -> tuple[str, ...]:
    return tuple(f"KeInsertQueueDpc(self.{name})" for name in names)


def importance(name: str, value: str) -> str:
    return f"KeSetImportanceDpc(self.{name}, {value}Importance)"


@pytest.mark.parametrize("processors", [1, 2])
@pytest.mark.parametrize(
    ("lines", "before"),
    [
        (queue("A", "B", "C"), 1),
        (queue("B", "A", "C"), 0),
        (queue("A", "C", "B"), 2),
        ((importance("B", "High"), *queue("A", "C", "B")), 0),
        ((importance("C", "High"), *queue("A", "B", "C")), 2),
        ((importance("B", "High"), importance("C", "High"), *queue("A", "B", "C")), 1),
        ((importance("B", "High"), importance("B", "Medium"), *queue("A", "C", "B")), 2),
        ((*queue("A", "C", "B"), importance("B", "High")), 2),
        ((importance("C", "MediumHigh"), *queue("A", "B", "C")), 1),
        ((importance("A", "Low"), *queue("A", "B", "C")), 1),
        ((*queue("B", "A", "C"), "KeRemoveQueueDpc(self.B)", *queue("B")), 2),
        ((*queue("A", "B", "C"), "KeRemoveQueueDpc(self.A)"), 0),
        ((*queue("A", "B", "C"), *queue("A")), 1),
        (("KeSetTargetProcessorDpc(self.A, 0)", "KeSetTargetProcessorDpc(self.B, 0)",
          *queue("A", "B")), 1),
    ],
)  # fmt: skip
def test_the_order_of_a_queue_7_1_8(
    bench: Bench, lines: tuple[str, ...], before: int, processors: int
) -> None:
    answer = bench.plain(THREE, work_b(before), main(*lines), processors=processors)
    assert answer.holds, answer.verdict


@pytest.mark.parametrize(
    ("lines", "before"),
    [
        (queue("A", "B"), 0),
        ((importance("B", "High"), *queue("A", "B")), 1),
        (("KeSetTargetProcessorDpc(self.A, 1)", *queue("A", "B")), 1),  # in another queue
        (("KeSetTargetProcessorDpc(self.A, 1)", *queue("A", "B")), 0),
        (queue("B", "A", "C"), 1),
    ],
)
def test_what_the_order_does_not_say_7_1_8(
    bench: Bench, lines: tuple[str, ...], before: int
) -> None:
    answer = bench.plain(THREE, work_b(before), main(*lines), processors=2)
    assert answer.broken == "assertion-failed"


@pytest.mark.parametrize("before", [0, 1, 2])
def test_the_knob_starts_them_in_any_order_10_65(bench: Bench, before: int) -> None:
    answer = bench.check(
        THREE, f"def WorkB(self, Dpc, Context):\n    assert self.ran != {before}\n",
        main(*queue("A", "B", "C")), threads="Drv.Main", device="",
        knobs={"dpc_order": "unordered"},
    )  # fmt: skip
    assert answer.broken == "assertion-failed"


def test_a_service_routine_queues_in_order_too_7_1_8(bench: Bench) -> None:
    isr = (
        "def Isr(self, Interrupt, ServiceContext):\n    if not self.nic.cause:\n"
        "        return FALSE\n    self.nic.cause = 0\n    self.nic.masked = 1\n"
        "    KeInsertQueueDpc(self.A)\n    KeInsertQueueDpc(self.B)\n    return TRUE\n"
    )
    start = CONNECT.replace("    status =", "    KeInitializeDpc(self.A, self.WorkA)\n"
                            "    KeInitializeDpc(self.B, self.WorkB)\n    status =", 1)  # fmt: skip
    works = "def WorkA" + THREE.partition("def WorkA")[2]
    fields = THREE.partition("def Start")[0]
    answer = bench.check(fields, start, isr, works, work_b(1), processors=2,
                         knobs={"spurious_calls": "no"})  # fmt: skip
    assert answer.holds, answer.verdict


def test_initialising_makes_the_importance_the_usual_7_1_12(bench: Bench) -> None:
    lines = (importance("B", "High"), "KeInitializeDpc(self.B, self.WorkB)", *queue("A", "B"))
    answer = bench.plain(THREE, work_b(1), main(*lines))
    assert answer.holds, answer.verdict


def test_one_dpc_has_no_order(bench: Bench) -> None:
    """Only DPCs that something queues have an order, and only in pairs."""
    answer = bench.plain(THREE, work_b(0), main(*queue("B")))
    names = [variable.name for variable in answer.system.machine.variables]
    assert not [name for name in names if " before " in name]
    answer = bench.plain(THREE, work_b(1), main(*queue("A", "B")))
    names = [variable.name for variable in answer.system.machine.variables]
    assert [name for name in names if " before " in name] == ["A before B"]


@pytest.mark.parametrize("before", [0, 1])
def test_the_dpc_of_a_timer_may_be_ahead_of_what_is_queued_10_66(bench: Bench, before: int) -> None:
    """In its place, or ahead: neither may be relied on."""
    lines = ("KeSetTimer(self.T, 1, self.B)", *queue("A"))
    text = "T = KTIMER()\n" + main(*lines)
    assert bench.plain(THREE, work_b(before), text).broken == "assertion-failed"


def test_nor_is_it_ahead_of_one_of_high_importance_that_comes_later_10_66(bench: Bench) -> None:
    """The other way round an order is promised: high importance goes to the head.

    Only the order is asked about: that a timer and a call share A is a breach of its own (R59).
    """
    text = (
        "T = KTIMER()\ndef Main(self):\n    KeSetTimer(self.T, 1, self.A)\n"
        "    KeDelayExecutionThread()\n    KeRaiseIrql(DISPATCH_LEVEL, Old)\n"
        "    First = KeInsertQueueDpc(self.A)\n    KeInsertQueueDpc(self.B)\n    KeLowerIrql(Old)\n"
    )
    high = THREE.replace("def WorkA", f"    {importance('B', 'High')}\ndef WorkA", 1)
    assert not bench.plain(high, "def WorkB(self, Dpc, Context):\n    assert self.ran <= 1\n",
                           text, properties=("assertion-failed",)).broken  # fmt: skip
