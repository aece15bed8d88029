"""A bus driver, fixed: the result is decided between raising and lowering and returned after both.

The twin of error_path_keeps_irql.py. There is one way out of the raised region, and it lowers.

Source: KeRaiseIrql, KeLowerIrql.
"""

from dirql.model.wdk import *


class Bus(Device):
    """Is busy now and then, on its own account."""

    busy = Bit(0)
    address = Bit(0)
    data = Bit(0)

    @hardware
    def transfer_begins(self):
        self.busy = 1

    @hardware
    def transfer_ends(self):
        self.busy = 0


class BusDriver(Driver):
    bus = Bus()

    def WriteTogether(self):
        """Two register writes that nothing may delay."""
        assert KeGetCurrentIrql() == DISPATCH_LEVEL, "the writes can be torn apart"
        self.bus.address = 1
        self.bus.data = 1

    def DeviceControl(self):
        KeRaiseIrql(DISPATCH_LEVEL, OldIrql)
        busy = self.bus.busy
        if not busy:
            self.WriteTogether()
        KeLowerIrql(OldIrql)
        return STATUS_DEVICE_NOT_READY if busy else STATUS_SUCCESS


scenario = Scenario(
    concurrently=[BusDriver.DeviceControl],
    processors=[1, 2],
    expect={1: Holds(states=16), 2: Holds(states=26)},
)
