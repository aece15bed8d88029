"""An I2C bus, fixed: the event is initialised once, and one request at a time waits for it.

The twin of event_initialised_again.py. The event is initialised when the driver starts, and a
request clears it before it starts its transfer. A fast mutex lets one request at a time do so:
waiting is allowed at APC_LEVEL.

Source: KeInitializeEvent, KeClearEvent; ExAcquireFastMutex.
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
    BusMutex = FAST_MUTEX()
    Done = KEVENT(NotificationEvent, FALSE)
    PollTimer = KTIMER()
    PollDpc = KDPC()

    def Start(self):
        KeInitializeEvent(self.Done, NotificationEvent, FALSE)
        KeInitializeTimer(self.PollTimer)
        KeInitializeDpc(self.PollDpc, self.Poll)
        return STATUS_SUCCESS

    def Transfer(self):
        ExAcquireFastMutex(self.BusMutex)
        KeClearEvent(self.Done)
        self.bus.busy = 1
        KeSetTimer(self.PollTimer, 1, self.PollDpc)
        KeWaitForSingleObject(self.Done)
        ExReleaseFastMutex(self.BusMutex)
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
    expect={1: Holds(states=107), 2: Holds(states=163)},
)
