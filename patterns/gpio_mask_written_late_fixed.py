"""A GPIO controller, fixed: shadow and register change under one lock for the whole bank.

The twin of gpio_mask_written_late.py. The lock belongs to the register, not to the half of it that
the caller means.

Source: "Using spin locks: an example".
"""

from dirql.model.wdk import *


class Bank(Device):
    """A bank of pins; a bit that is set lets its pin interrupt."""

    enabled = Int(0, 3)


class GpioDriver(Driver):
    bank = Bank()
    BankLock = KSPIN_LOCK()
    Shadow = Int(0, 3)

    def EnableLowPin(self):
        KeAcquireSpinLock(self.BankLock, OldIrql)
        self.Shadow |= 1
        shadow = self.Shadow
        self.bank.enabled = shadow
        KeReleaseSpinLock(self.BankLock, OldIrql)

    def EnableHighPin(self):
        KeAcquireSpinLock(self.BankLock, OldIrql)
        self.Shadow |= 2
        shadow = self.Shadow
        self.bank.enabled = shadow
        KeReleaseSpinLock(self.BankLock, OldIrql)

    def BothEnabled(self):
        enabled = self.bank.enabled
        assert enabled == 3, "a pin that was enabled is not"


scenario = Scenario(
    concurrently=[GpioDriver.EnableLowPin, GpioDriver.EnableHighPin],
    finally_=GpioDriver.BothEnabled,
    processors=[1, 2],
    expect={1: Holds(states=29), 2: Holds(states=75)},
)
