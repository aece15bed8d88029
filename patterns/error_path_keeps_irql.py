"""A bus driver: when the bus is busy, an I/O control code returns at DISPATCH_LEVEL.

Between writing the address and writing the data the thread must not be scheduled away, or the
device's own time limit passes. So the driver raises to DISPATCH_LEVEL around the two writes.

Bug: the path for a busy bus returns from the middle. The thread goes back to the I/O manager at
DISPATCH_LEVEL, and with it the processor: no thread is scheduled there any more, and the first
thing that waits brings the system down.

Source: KeRaiseIrql, remarks: the caller restores the level with KeLowerIrql; Driver Verifier,
0xC9/0x05: a dispatch routine returned at another IRQL.

In the trace look at the IRQL of the thread's last step.
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
        if self.bus.busy:
            return STATUS_DEVICE_NOT_READY
        self.WriteTogether()
        KeLowerIrql(OldIrql)
        return STATUS_SUCCESS


scenario = Scenario(
    concurrently=[BusDriver.DeviceControl],
    processors=[1, 2],
    expect={
        1: Violated("irql-not-restored", steps=4, states=11),
        2: Violated("irql-not-restored", steps=4, states=20),
    },
)
