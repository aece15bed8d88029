"""The Bluetooth sample, fixed: a request counts itself first and looks after.

The twin of bluetooth_stop_gate.py. A request that finds the flag raised takes its count back and
fails. One that finds it clear was counted before the flag was raised, so the stop waits for it. The
two orders, count then look here, raise then look at the count there, make it impossible for both
sides to miss each other.

That holds as steps follow each other here. On a processor that may delay a store past a later load,
both sides need a full barrier between the two; InterlockedIncrement is one, the plain store to
stoppingFlag is not (virtio-win commit a5a773b4 adds it), and memory order is not in this model.

Source: Qadeer and Wu, "KISS: Keep It Simple and Sequential", PLDI 2004.
"""

from dirql.model.wdk import *


class Transport(Structure):
    """What requests use, and the stop takes apart."""

    sent = Bit(0)


class Bluetooth(Driver):
    stoppingFlag = Bit(0, volatile=True)
    pendingIo = Int(0, 2, initial=1)
    stoppingEvent = KEVENT(NotificationEvent, FALSE)
    transport = Transport()

    def BCSP_IoIncrement(self):
        InterlockedIncrement(self.pendingIo)
        if self.stoppingFlag:
            self.BCSP_IoDecrement()
            return STATUS_UNSUCCESSFUL
        return STATUS_SUCCESS

    def BCSP_IoDecrement(self):
        if InterlockedDecrement(self.pendingIo) == 0:
            KeSetEvent(self.stoppingEvent)

    def BCSP_PnpAdd(self):
        status = self.BCSP_IoIncrement()
        if NT_SUCCESS(status):
            self.transport.sent = 1
            self.BCSP_IoDecrement()
        return status

    def BCSP_PnpStop(self):
        self.stoppingFlag = 1
        self.BCSP_IoDecrement()
        KeWaitForSingleObject(self.stoppingEvent)
        ExFreePool(self.transport)


scenario = Scenario(
    concurrently=[Bluetooth.BCSP_PnpAdd, Bluetooth.BCSP_PnpStop],
    processors=[1, 2],
    expect={1: Holds(states=51), 2: Holds(states=51)},
)
