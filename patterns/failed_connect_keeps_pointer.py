"""A driver that asks the pointer, not the status, whether its interrupt is connected.

On removal the driver disconnects if InterruptObject is not NULL, a line that stands in many
drivers. Whether there is anything to disconnect is known from the status of the connect call,
though; what the pointer holds after a failed one is promised nowhere (knob
pointer_after_failed_connect).

Bug: resources are moved, so the device is stopped and started again. StopDevice disconnects and
leaves the pointer as it is, for StartDevice will store a new one. This time the connect call fails
for lack of resources and leaves the pointer alone. RemoveDevice finds a pointer and disconnects an
object that has been gone since the stop. On a kernel whose connect call sets the pointer to NULL
when it fails, as that of ReactOS does today, the scenario "set to NULL", nothing is wrong.

Source: reactos/reactos pull request 6448 (CORE-17256). There the kernel's own connect call left the
address of the object it had freed in the driver's variable; the idiom in the driver, and the pool
corruption at IRP_MN_REMOVE_DEVICE, are these.

In the trace look at the second connect call, which fails, and at the pointer, which does not
change.
"""

from dirql.model.wdk import *


class Card(Device):
    """A level line with an enable bit."""

    cause = Bit(0)
    enabled = Bit(0)

    def line(self):
        return self.cause and self.enabled

    @hardware
    def raises(self):
        self.cause = 1


class CardDriver(Driver):
    card = Card(Line(irql=7, mode=LevelSensitive))
    InterruptObject = PKINTERRUPT()

    def StartDevice(self):
        status = IoConnectInterrupt(self.InterruptObject, self.CardIsr)
        if not NT_SUCCESS(status):
            return status
        self.card.enabled = 1
        return STATUS_SUCCESS

    def CardIsr(self, Interrupt, ServiceContext):
        if not self.card.cause:
            return FALSE
        self.card.cause = 0
        return TRUE

    def StopDevice(self):
        if self.InterruptObject:
            self.card.enabled = 0
            IoDisconnectInterrupt(self.InterruptObject)

    def Rebalance(self):
        """IRP_MN_STOP_DEVICE, then IRP_MN_START_DEVICE with other resources."""
        self.StopDevice()
        self.StartDevice()

    def RemoveDevice(self):
        if self.InterruptObject:
            self.card.enabled = 0
            IoDisconnectInterrupt(self.InterruptObject)
            self.InterruptObject = NULL


scenarios = [
    Scenario(
        name="left alone",
        start=CardDriver.StartDevice,
        concurrently=[CardDriver.Rebalance],
        finally_=CardDriver.RemoveDevice,
        processors=[1, 2],
        expect={
            1: Violated("disconnect-of-dead-interrupt", steps=13, states=178),
            2: Violated("disconnect-of-dead-interrupt", steps=13, states=353),
        },
    ),
    Scenario(
        name="set to NULL",
        start=CardDriver.StartDevice,
        concurrently=[CardDriver.Rebalance],
        finally_=CardDriver.RemoveDevice,
        processors=[1, 2],
        knobs={"pointer_after_failed_connect": "null"},
        expect={1: Holds(states=258), 2: Holds(states=766)},
    ),
]
