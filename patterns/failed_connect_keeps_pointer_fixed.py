"""A driver that asks its pointer whether the interrupt is connected, fixed: it keeps it true.

The twin of failed_connect_keeps_pointer.py. A failed connect call stores NULL, so that a pointer
that is not NULL means what the rest of the driver takes it to mean: connected. It does not matter
then what the connect call left in the variable, nor what was in it before.

Source: reactos/reactos pull request 6448, which made the kernel's connect call do the same.
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
            self.InterruptObject = NULL
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


scenario = Scenario(
    start=CardDriver.StartDevice,
    concurrently=[CardDriver.Rebalance],
    finally_=CardDriver.RemoveDevice,
    processors=[1, 2],
    expect={
        1: Holds(states=264),
        2: Holds(states=796),
    },
)
