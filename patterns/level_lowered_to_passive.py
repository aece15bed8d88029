"""A bus driver: a helper lowers the IRQL to PASSIVE_LEVEL, wherever its caller came from.

Two register writes must follow one another at once, so WriteTogether raises to DISPATCH_LEVEL and
lowers again. It was written for I/O control codes, which come at PASSIVE_LEVEL.

Bug: StartIo calls it too, and runs at DISPATCH_LEVEL. For it the raise changes nothing, and the
way down ends below the level at which Windows called it.

Source: KeLowerIrql, parameter NewIrql: what KeRaiseIrql returned; bug check 0xC4 (0x31).

In the trace compare the level at which StartIo begins with the one it is lowered to.
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
        KeLowerIrql(PASSIVE_LEVEL)

    def DeviceControl(self):
        self.WriteTogether()
        return STATUS_SUCCESS

    def StartIo(self):
        self.WriteTogether()


scenario = Scenario(
    concurrently=[BusDriver.DeviceControl, At(DISPATCH_LEVEL, BusDriver.StartIo)],
    processors=[1, 2],
    expect={
        1: Violated("irql-lowered-wrongly", steps=5, states=10),
        2: Violated("irql-lowered-wrongly", steps=5, states=36),
    },
)
