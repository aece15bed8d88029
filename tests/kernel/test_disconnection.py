"""Disconnecting and deactivating: rules 3.1 and 3.2."""

import pytest

from dirql.model.domain import Value

from .drivers import CONNECT, SERVE, Bench

STOP = """
def Main(self):
    self.nic.masked = 1
    IoDisconnectInterrupt(self.Interrupt)
"""


@pytest.mark.parametrize("processors", [1, 2])
def test_mask_then_disconnect_holds_3_1_6(bench: Bench, processors: int) -> None:
    assert bench.check(CONNECT, SERVE, STOP, threads="Drv.Main", processors=processors).holds


SLOW = """
Inside = Bit(0, volatile=True)
def Isr(self, Interrupt, ServiceContext):
    self.Inside = 1
    self.nic.cause = 0
    self.Inside = 0
    return TRUE
"""


@pytest.mark.parametrize(
    ("knob", "broken"), [("yes", ""), ("no", "assertion-failed"), ("either", "assertion-failed")]
)
def test_disconnect_waits_for_the_running_isr_10_29(bench: Bench, knob: str, broken: str) -> None:
    answer = bench.check(
        CONNECT,
        SLOW,
        STOP + "    assert not self.Inside\n",
        threads="Drv.Main",
        processors=2,
        knobs={"disconnect_waits_for_isr": knob},
        properties=("assertion-failed",),
    )
    assert answer.broken == broken


def test_an_isr_that_outlives_its_object_is_found_10_29(bench: Bench) -> None:
    answer = bench.check(
        CONNECT, SLOW, STOP, threads="Drv.Main", processors=2,
        knobs={"disconnect_waits_for_isr": "no"},
    )  # fmt: skip
    assert answer.broken == "isr-after-disconnect"


def test_disconnect_does_not_touch_dpcs_3_1_10(bench: Bench) -> None:
    text = """
    D = KDPC()
    Ran = Bit(0, volatile=True)
    def Dpc(self, Dpc, Context, A, B):
        self.Ran = 1
    def Main(self):
        KeInitializeDpc(self.D, self.Dpc)
        KeRaiseIrql(2, Old)
        KeSetTargetProcessorDpc(self.D, 1)
        KeInsertQueueDpc(self.D)
        KeLowerIrql(Old)
        IoDisconnectInterrupt(self.Interrupt)
        assert self.Ran
    """
    answer = bench.check(
        CONNECT, SERVE, text, threads="Drv.Main", processors=2, properties=("assertion-failed",)
    )
    assert answer.broken == "assertion-failed"


def ex(call: str, version: str, *, at: int = 0) -> str:
    raised = f"    KeRaiseIrql({at}, Old)\n" if at else ""
    structure = {
        "IoDisconnectInterruptEx": "IO_DISCONNECT_INTERRUPT_PARAMETERS",
        "IoReportInterruptActive": "IO_REPORT_INTERRUPT_ACTIVE_STATE_PARAMETERS",
        "IoReportInterruptInactive": "IO_REPORT_INTERRUPT_ACTIVE_STATE_PARAMETERS",
    }[call]
    return (
        f"{raised}    p = {structure}()\n    p.Version = {version}\n"
        f"    p.ConnectionContext.InterruptObject = self.Interrupt\n    {call}(p)\n"
        + ("    KeLowerIrql(Old)\n" if at else "")
    )


MASK = "def Main(self):\n    self.nic.masked = 1\n"
FULL = "CONNECT_FULLY_SPECIFIED"


@pytest.mark.parametrize(
    ("text", "broken", "bug_check"),
    [
        (STOP + "    IoDisconnectInterrupt(self.Interrupt)\n", "disconnect-of-dead-interrupt", ""),
        (MASK + "    KeRaiseIrql(1, Old)\n    IoDisconnectInterrupt(self.Interrupt)\n",
         "irql-too-high", ""),
        (MASK + "    self.Interrupt = NULL\n    IoDisconnectInterrupt(self.Interrupt)\n",
         "disconnect-of-dead-interrupt", ""),
        (MASK + ex("IoDisconnectInterruptEx", FULL), "", ""),
        (MASK + ex("IoDisconnectInterruptEx", "CONNECT_LINE_BASED"),
         "disconnect-of-dead-interrupt", "0xCA "),
        (MASK + ex("IoReportInterruptInactive", FULL, at=2), "", ""),
        (MASK + ex("IoReportInterruptInactive", FULL, at=5), "irql-too-high", ""),
        (MASK + ex("IoReportInterruptInactive", FULL) + ex("IoReportInterruptInactive", FULL)
         + ex("IoDisconnectInterruptEx", FULL), "", ""),
        (STOP + ex("IoReportInterruptActive", FULL), "disconnect-of-dead-interrupt", ""),
    ],
)  # fmt: skip
def test_what_breaks_3_1_and_3_2(bench: Bench, text: str, broken: str, bug_check: str) -> None:
    answer = bench.check(CONNECT, SERVE, text, threads="Drv.Main")
    assert answer.broken == broken
    assert not broken or bug_check in answer.bug_check


INACTIVE = "def Main(self):\n    self.Quiet = 1\n" + ex("IoReportInterruptInactive", FULL)
COUNTED = """
Quiet = Bit(0, volatile=True)
Late = Bit(0, volatile=True)
Reported = Bit(0, volatile=True)
def Isr(self, Interrupt, ServiceContext):
    if self.Reported:
        self.Late = 1
    self.nic.cause = 0
    return TRUE
"""


def test_inactive_stops_new_calls_but_not_the_running_one_10_35(bench: Bench) -> None:
    text = INACTIVE + "    self.Reported = 1\n"
    for processors, late in ((1, False), (2, True)):
        answer = bench.check(
            CONNECT, COUNTED, text, threads="Drv.Main", processors=processors,
            properties=("assertion-failed",),
        )  # fmt: skip
        assert answer.reaches({"driver.Late": 1}) == late


def test_active_resumes_calls_3_2_2(bench: Bench) -> None:
    text = INACTIVE + "    self.Reported = 1\n" + ex("IoReportInterruptActive", FULL)
    answer = bench.check(
        CONNECT, COUNTED, text, threads="Drv.Main", properties=("assertion-failed",)
    )
    assert answer.reaches({"driver.Late": 1})


@pytest.mark.parametrize(("knob", "kept"), [("drop", False), ("keep", True)])
def test_an_edge_while_inactive_10_36(bench: Bench, knob: str, *, kept: bool) -> None:
    answer = bench.check(
        CONNECT, COUNTED, INACTIVE, threads="Drv.Main", line="irql=7, mode=Latched",
        knobs={"edge_while_inactive": knob}, properties=("assertion-failed",),
    )  # fmt: skip
    start: dict[str, Value] = {
        "at Main": "done",
        "Isr interrupt is": "inactive",
        "nic edge pending": True,
    }
    assert answer.reaches(start)  # pending since before the report
    dropped = bench.check(
        CONNECT.replace("self.nic.masked = 0\n    return", "return"), COUNTED,
        INACTIVE + "    self.nic.masked = 0\n", threads="Drv.Main", line="irql=7, mode=Latched",
        knobs={"edge_while_inactive": knob}, properties=("assertion-failed",),
    )  # fmt: skip
    assert dropped.reaches(start) == kept


def test_a_pending_edge_dies_with_the_last_member_10_57(bench: Bench) -> None:
    answer = bench.check(
        CONNECT, SERVE, "def Main(self):\n    IoDisconnectInterrupt(self.Interrupt)\n",
        threads="Drv.Main", line="irql=7, mode=Latched", properties=("assertion-failed",),
    )  # fmt: skip
    assert not answer.reaches({"Isr interrupt is": "disconnected", "nic edge pending": True})
