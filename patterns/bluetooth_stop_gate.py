"""The Bluetooth sample: a request looks whether the device is stopping, and counts itself after.

Each request calls BCSP_IoIncrement first and BCSP_IoDecrement last; pendingIo starts at one, for
the device itself. BCSP_PnpStop raises stoppingFlag, gives up the device's own count, waits for the
event that the last decrement sets, and takes the device apart.

Bug: BCSP_IoIncrement tests the flag and then counts. Between the two the device can be stopped: the
stop finds nobody counted, and frees what the request, which has passed the test, is about to use.
That both accesses are atomic is no help; they are two.

Source: Qadeer and Wu, "KISS: Keep It Simple and Sequential", PLDI 2004 (doi 10.1145/996893.996845),
who found it in a sample driver of the Windows DDK. The same gate, in a C++ class, is in virtio-win
NetKVM: commit a5a773b4.

The bug is the threads' own; the sample's interrupts are left out. In the trace look at the read of
stoppingFlag and at the increment of pendingIo, which stops being a protection when it comes.
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
        if self.stoppingFlag:
            return STATUS_UNSUCCESSFUL
        InterlockedIncrement(self.pendingIo)
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
    expect={
        1: Violated("use-after-free", steps=8, states=45),
        2: Violated("use-after-free", steps=8, states=45),
    },
)
