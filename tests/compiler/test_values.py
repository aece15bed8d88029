"""Values that do not fit are violations of the driver, never faults of the machine."""

from .drivers import Driver


def test_a_constant_outside_the_field_is_a_violation() -> None:
    driver = Driver("def T(self):\n    self.X = 5\n", fields="X = Int(0, 3)\n")
    assert driver.verdict() == "value-out-of-range"


def test_a_constant_outside_a_register_is_a_violation() -> None:
    assert Driver("def T(self):\n    self.nic.masked = 2\n").verdict() == "value-out-of-range"
