"""A bus driver, fixed: the helper lowers the IRQL to what it was.

The twin of level_lowered_to_passive.py. KeRaiseIrql hands back the level of the caller; at
DISPATCH_LEVEL neither call changes anything.

Source: KeRaiseIrql, KeLowerIrql.
"""

from dirql.model.wdk import *


class Bus(Device):
    """Two registers that belong together."""

    address = Bit(0, volatile=True)
    data = Bit(0, volatile=True)


class BusDriver(Driver):
    bus = Bus()

    def WriteTogether(self):
        KeRaiseIrql(DISPATCH_LEVEL, OldIrql)
        self.bus.address = 1
        self.bus.data = 1
        KeLowerIrql(OldIrql)

    def DeviceControl(self):
        self.WriteTogether()
        return STATUS_SUCCESS

    def StartIo(self):
        self.WriteTogether()


scenario = Scenario(
    concurrently=[BusDriver.DeviceControl, At(DISPATCH_LEVEL, BusDriver.StartIo)],
    processors=[1, 2],
    expect={1: Holds(states=20), 2: Holds(states=66)},
)
