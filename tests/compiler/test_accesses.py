"""Accesses of steps to memory: what races with what."""

import pytest

from .drivers import Driver

_BOTH = """
def T(self):
    {}

def U(self):
    {}
"""


@pytest.mark.parametrize(
    ("one", "other", "found"),
    [
        ("InterlockedIncrement(self.ring[1])", "self.ring[1] = 2", "data-race"),
        ("InterlockedIncrement(self.ring[1])", "self.ring[0] = 2", "holds"),
        ("InterlockedIncrement(self.ring[1])", "self.ring[choose(0, 1)] = 2", "data-race"),
        ("InterlockedIncrement(self.ring[1])", "InterlockedOr(self.ring[1], 1)", "holds"),
        ("WriteNoFence(self.ring[1], 1)", "self.ring[1] = 2", "data-race"),
        ("WriteNoFence(self.ring[1], 1)", "seen = ReadNoFence(self.ring[1])", "holds"),
        ("InterlockedIncrement(self.x)", "seen = self.x", "holds"),
        ("InterlockedIncrement(self.x)", "self.x = 1", "data-race"),
        ("self.x = 1", "seen = self.x", "data-race"),
        ("looked = self.x", "seen = self.x", "holds"),
        ("self.ring[0] = 1", "seen = self.ring[1]", "holds"),
        ("self.ring[self.x] = 1", "seen = self.ring[0]", "data-race"),
        ("self.ring[self.x] = 1", "seen = self.ring[1]", "holds"),
    ],
)
def test_races_between_accesses(one: str, other: str, found: str) -> None:
    driver = Driver(_BOTH.format(one, other), threads="T U")
    assert driver.verdict("data-race", processors=2) == found


@pytest.mark.parametrize(
    ("one", "other", "found"),
    [
        ("self.ring[1] += 1", "InterlockedExchange(self.ring[1], 2)", "torn-read-modify-write"),
        ("self.ring[1] += 1", "InterlockedExchange(self.ring[0], 2)", "holds"),
        ("self.x += 1", "InterlockedExchange(self.x, 1)", "torn-read-modify-write"),
        ("self.x += 1", "InterlockedExchange(self.x, 0)", "holds"),
        ("InterlockedIncrement(self.x)", "InterlockedExchange(self.x, 0)", "holds"),
    ],
)
def test_updates_torn_by_interlocked_writes(one: str, other: str, found: str) -> None:
    driver = Driver(_BOTH.format(one, other), threads="T U")
    assert driver.verdict("torn-read-modify-write", processors=2) == found


_COUNTER = """
count = Int(0, 3)

def line(self):
    return self.cause and not self.masked

@hardware
def arrives(self):
    if self.count < 3:
        self.count += 1

def take(self):
    if self.count:
        self.count -= 1
"""


@pytest.mark.parametrize(
    ("one", "other", "found"),
    [
        ("self.nic.take()", "self.nic.take()", "holds"),
        ("self.nic.take()", "self.nic.count = 0", "holds"),
        ("self.nic.count |= 1", "self.nic.take()", "torn-read-modify-write"),
        ("self.nic.count |= 1", "self.nic.count = 0", "torn-read-modify-write"),
    ],
)
def test_a_device_access_is_one_step_and_is_not_torn(one: str, other: str, found: str) -> None:
    driver = Driver(_BOTH.format(one, other), threads="T U", device=_COUNTER)
    assert driver.verdict("torn-read-modify-write", processors=2) == found


def test_a_connect_that_stores_into_an_array_races_with_its_readers() -> None:
    driver = Driver(
        """
        def Start(self):
            pass

        def T(self):
            IoConnectInterrupt(self.pointers[1], self.Service)

        def U(self):
            if self.pointers[1]:
                self.x = 1
        """,
        threads="T U",
        fields="pointers = Array(PKINTERRUPT(), 2)",
    )
    assert driver.verdict("data-race", processors=2) == "data-race"
