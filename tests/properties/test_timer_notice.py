"""Armed timers as notice (unserviced-cause): only while an expiry may still help."""

from pathlib import Path

import pytest

from ..kernel.drivers import Bench


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


NIC = """
class Adapter(Device):
    work = Int(0, 2, saturating=True)

    def waiting(self):
        return self.work

    @hardware
    def arrives(self):
        self.work += 1
"""
START = """
nic = Adapter()
T = KTIMER()
U = KTIMER()
D = KDPC()
E = KDPC()
def Start(self):
    KeInitializeDpc(self.D, self.Poll)
    KeInitializeDpc(self.E, self.Other)
    {arm}
    return STATUS_SUCCESS
def Other(self, Dpc, Context):
    {other}
def Poll(self, Dpc, Context):
    {poll}
"""
POLL = "self.nic.work = 0; KeSetTimer(self.T, 1, self.D)"
NOTHING = "KeSetTimer(self.U, 1, self.E)"


@pytest.mark.parametrize("processors", [1, 2])
@pytest.mark.parametrize(
    ("arm", "poll", "other", "broken"),
    [
        ("KeSetTimer(self.T, 1, self.D)", POLL, "return", ""),
        ("KeSetTimerEx(self.T, 1, 5, self.D)", "self.nic.work = 0", "return", ""),
        ("KeSetTimer(self.T, 1, self.D); KeSetTimer(self.U, 1, self.E)", POLL, NOTHING, ""),
        ("KeSetTimer(self.U, 1, self.E)", POLL, "KeInsertQueueDpc(self.D)", ""),
        # An unrelated timer, one that is never set again, one whose DPC serves nothing.
        ("KeSetTimer(self.U, 1, self.E)", POLL, NOTHING, "unserviced-cause"),
        ("KeSetTimerEx(self.U, 1, 5, self.E)", POLL, "return", "unserviced-cause"),
        ("KeSetTimer(self.T, 1, self.D)", "self.nic.work = 0", "return", "unserviced-cause"),
        ("KeSetTimer(self.T, 1, NULL)", POLL, "return", "unserviced-cause"),
        ("pass", POLL, "return", "unserviced-cause"),
    ],
)
def test_an_armed_timer_is_notice_if_its_expiry_helps(
    bench: Bench, arm: str, poll: str, other: str, broken: str, processors: int
) -> None:
    def lines(text: str) -> str:
        return text.replace("; ", "\n    ")

    text = START.format(arm=lines(arm), poll=lines(poll), other=lines(other))
    answer = bench.check(text, device=NIC, processors=processors,
                         properties=("unserviced-cause",))  # fmt: skip
    assert answer.broken == broken, answer.verdict


def test_a_thread_that_waits_for_the_timer_is_notice(bench: Bench) -> None:
    text = """
nic = Adapter()
T = KTIMER()
def Main(self):
    while TRUE:
        KeSetTimer(self.T, 1, NULL)
        KeWaitForSingleObject(self.T, Executive, KernelMode, FALSE, NULL)
        self.nic.work = 0
"""
    idle = text.replace("        self.nic.work = 0\n", "")
    for written, broken in ((text, ""), (idle, "unserviced-cause")):
        answer = bench.check(written, device=NIC, threads="Drv.Main",
                             properties=("unserviced-cause",))  # fmt: skip
        assert answer.broken == broken, answer.verdict
