"""A device that takes its request back excuses no driver, unless it is sure to."""

import pytest

from .drivers import Driver

_UNPLUGGED = """
def line(self):
    return self.cause and not self.masked

@hardware
def arrives(self):
    self.cause = 1

@hardware
def unplugged(self):
    self.cause = 0
"""

_LATE = """
acknowledged = Bit(0)

def line(self):
    return self.cause and not self.masked

@hardware
def arrives(self):
    self.cause = 1

@hardware{}
def lowers_its_line(self):
    if self.acknowledged:
        self.acknowledged = 0
        self.cause = 0
"""

_UNMASKS = """
def T(self):
    self.nic.masked = 0

def Service(self, Interrupt, ServiceContext):
    {}
    return TRUE
"""


@pytest.mark.parametrize("processors", [1, 2])
@pytest.mark.parametrize(
    ("serves", "verdict"), [("self.x = 0", "stuck-context"), ("self.nic.cause = 0", "holds")]
)
def test_an_unplugged_device_does_not_end_a_storm(
    serves: str, verdict: str, processors: int
) -> None:
    driver = Driver(_UNMASKS.format(serves), device=_UNPLUGGED)
    assert driver.verdict("stuck-context", processors=processors) == verdict


@pytest.mark.parametrize(("mark", "verdict"), [("", "stuck-context"), ("(sure=True)", "holds")])
def test_a_line_that_surely_falls_after_the_acknowledgement(mark: str, verdict: str) -> None:
    driver = Driver(_UNMASKS.format("self.nic.acknowledged = 1"), device=_LATE.format(mark))
    assert driver.verdict("stuck-context", processors=2) == verdict


def test_what_is_not_on_the_line_may_be_waited_for() -> None:
    driver = Driver(
        """
        def T(self):
            while self.nic.cause:
                pass
        """,
        device=_UNPLUGGED,
    )
    assert driver.verdict("stuck-context") == "holds"
