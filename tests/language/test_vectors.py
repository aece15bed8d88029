"""Each device has a vector of its own."""

import pytest

from dirql.model.compiler import compile_system
from dirql.model.driver import Device
from dirql.model.language import PatternError
from dirql.model.system import System

from .loading import load_text

_DRIVER = '''"""A driver with two devices."""
from dirql.model.wdk import *


class Port(Device):
    cause = Bit(0)

    def line(self):
        return self.cause

    @hardware
    def event(self):
        self.cause = 1


class Drv(Driver):
    first = Port(Line({first}))
    second = Port(Line({second}))
    First = PKINTERRUPT()
    Second = PKINTERRUPT()

    def Start(self):
        status = IoConnectInterrupt(self.First, self.FirstIsr, Vector={asked_first})
        if not NT_SUCCESS(status):
            return status
        return IoConnectInterrupt(self.Second, self.SecondIsr, Vector={asked_second})

    def FirstIsr(self, Interrupt, ServiceContext):
        self.first.cause = 0
        return TRUE

    def SecondIsr(self, Interrupt, ServiceContext):
        self.second.cause = 0
        return TRUE


scenario = Scenario(start=Drv.Start)
'''


def driver(
    first: str,
    second: str,
    asked_first: str = "self.first.Vector",
    asked_second: str = "self.second.Vector",
) -> str:
    return _DRIVER.format(
        first=first, second=second, asked_first=asked_first, asked_second=asked_second
    )


def vectors(source: str) -> list[int]:
    devices: tuple[Device, ...] = load_text(source).program.devices
    return [item.line.vector for item in devices if item.line is not None]


def compiled(source: str) -> System:
    pattern = load_text(source)
    return compile_system(pattern.program, pattern.scenarios[0], 1)


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("irql=7", "irql=7", [113, 114]),
        ("irql=7", "irql=6", [113, 97]),
        ("irql=7", "irql=7, vector=113", [114, 113]),
        ("irql=7, vector=113", "irql=7", [113, 114]),
        ("irql=7, shared=True", "irql=7, shared=True", [113, 114]),
        ("irql=7, vector=0x71", "irql=7, vector=0x72", [0x71, 0x72]),
    ],
)
def test_a_vector_that_is_left_out_is_another_one(
    first: str, second: str, expected: list[int]
) -> None:
    assert vectors(driver(first, second)) == expected
    assert len(compiled(driver(first, second)).interrupts) == 2


@pytest.mark.parametrize("more", ["", ", shared=True"])
def test_one_vector_for_two_devices_is_refused(more: str) -> None:
    with pytest.raises(PatternError) as caught:
        load_text(driver(f"irql=7, vector=113{more}", f"irql=7, vector=113{more}"))
    assert "one vector" in caught.value.message
    assert "second = Port" in caught.value.text


@pytest.mark.parametrize("asked", ["113", "self.first.Vector"])
def test_two_routines_on_one_unshared_vector_are_refused(asked: str) -> None:
    source = driver("irql=7", "irql=7", asked, asked)
    with pytest.raises(PatternError) as caught:
        compiled(source)
    assert "second is never connected" in caught.value.message
    assert "self.Second, self.SecondIsr" in caught.value.text
    assert "114" in caught.value.hint


def test_a_device_that_is_not_connected_yet_is_no_mistake() -> None:
    source = driver("irql=7", "irql=7").replace(
        "return IoConnectInterrupt(self.Second, self.SecondIsr, Vector=self.second.Vector)",
        "return status",
    )
    assert len(compiled(source).interrupts) == 1
