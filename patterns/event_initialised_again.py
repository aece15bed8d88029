"""An I2C bus: two requests share one event, and each initialises it before it waits.

A request starts a transfer and waits for the event that the DPC of the polling timer sets.
"Initialise before use" was taken to heart: every request initialises the event, which also makes it
not signalled.

Bug: two requests can come together. The second one initialises the event for which the first one
waits. The event forgets its waiters, and the first request is never woken.

Source: KeInitializeEvent; "Introduction to Event Objects". Windows does not notice.

In the trace one request waits when the other one initialises.
"""

from dirql.model.wdk import *


class I2cBus(Device):
    """Transfers a byte at a time, and is polled."""

    busy = Bit(0)

    @hardware
    def transfer_ends(self):
        self.busy = 0


class I2cDriver(Driver):
    bus = I2cBus()
    Done = KEVENT(NotificationEvent, FALSE)
    PollTimer = KTIMER()
    PollDpc = KDPC()

    def Start(self):
        KeInitializeTimer(self.PollTimer)
        KeInitializeDpc(self.PollDpc, self.Poll)
        return STATUS_SUCCESS

    def Transfer(self):
        KeInitializeEvent(self.Done, NotificationEvent, FALSE)
        self.bus.busy = 1
        KeSetTimer(self.PollTimer, 1, self.PollDpc)
        KeWaitForSingleObject(self.Done)
        return STATUS_SUCCESS

    def Poll(self, Dpc, DeferredContext):
        if self.bus.busy:
            KeSetTimer(self.PollTimer, 1, self.PollDpc)
        else:
            KeSetEvent(self.Done)


scenario = Scenario(
    start=I2cDriver.Start,
    concurrently=[I2cDriver.Transfer, I2cDriver.Transfer],
    processors=[1, 2],
    expect={
        1: Violated("free-while-queued", steps=7, states=42),
        2: Violated("free-while-queued", steps=7, states=52),
    },
)
