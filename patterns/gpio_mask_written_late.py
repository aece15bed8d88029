"""A GPIO controller: two halves of a bank share a register, and the older value is written last.

The class extension knows banks of 16 pins, the controller has registers of 32. So two of its banks
are halves of one here, and each is worked on under a lock of its own. What the register holds is
kept in a shadow, which is changed atomically; then the register is written from the shadow.

Bug: the shadow is right and the register is not. Between reading the shadow and writing the
register the other half does both, and the older value is written over the newer. A pin that was
just enabled stays off, and its device is never heard of again. With one processor each half is
done at DISPATCH_LEVEL in one go.

Source: ms-iot/imx-iotcore, driver/gpio/imxgpio, as of commit c738794, found by reading.

In the trace one half reads the shadow before the other has changed it.
"""

from dirql.model.wdk import *


class Bank(Device):
    """A bank of pins; a bit that is set lets its pin interrupt."""

    enabled = Int(0, 3)


class GpioDriver(Driver):
    bank = Bank()
    LowLock = KSPIN_LOCK()
    HighLock = KSPIN_LOCK()
    Shadow = Int(0, 3, volatile=True)

    def EnableLowPin(self):
        KeAcquireSpinLock(self.LowLock, OldIrql)
        InterlockedOr(self.Shadow, 1)
        shadow = self.Shadow
        self.bank.enabled = shadow
        KeReleaseSpinLock(self.LowLock, OldIrql)

    def EnableHighPin(self):
        KeAcquireSpinLock(self.HighLock, OldIrql)
        InterlockedOr(self.Shadow, 2)
        shadow = self.Shadow
        self.bank.enabled = shadow
        KeReleaseSpinLock(self.HighLock, OldIrql)

    def BothEnabled(self):
        enabled = self.bank.enabled
        assert enabled == 3, "a pin that was enabled is not"


scenario = Scenario(
    concurrently=[GpioDriver.EnableLowPin, GpioDriver.EnableHighPin],
    finally_=GpioDriver.BothEnabled,
    processors=[1, 2],
    expect={1: Holds(states=25), 2: Violated("assertion-failed", steps=14, states=143)},
)
