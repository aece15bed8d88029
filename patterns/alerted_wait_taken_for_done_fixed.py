"""An I2C bus, fixed: a wait that was alerted is begun again.

The twin of alerted_wait_taken_for_done.py. Only STATUS_SUCCESS says that the event was set. Once it
is, the wait is over: an alert that comes later does not take that back.

Source: KeWaitForSingleObject, return values; "Waits and APCs".
"""

from dirql.model.wdk import *


class I2cBus(Device):
    """Transfers a byte at a time, and is polled."""

    busy = Bit(0)

    @hardware
    def transfer_ends(self):
        self.busy = 0


class Transfer(Structure):
    Done = KEVENT(SynchronizationEvent, FALSE)
    Bytes = Bit(0)


class I2cDriver(Driver):
    bus = I2cBus()
    PollTimer = KTIMER()
    PollDpc = KDPC()
    transfer = Transfer()

    def Start(self):
        KeInitializeTimer(self.PollTimer)
        KeInitializeDpc(self.PollDpc, self.Poll)
        return STATUS_SUCCESS

    def Read(self):
        ExAllocatePool2(self.transfer)
        KeInitializeEvent(self.transfer.Done, SynchronizationEvent, FALSE)
        self.bus.busy = 1
        KeSetTimer(self.PollTimer, 1, self.PollDpc)
        status = STATUS_ALERTED
        while status == STATUS_ALERTED:
            status = KeWaitForSingleObject(self.transfer.Done, Executive, KernelMode, TRUE, NULL)
        ExFreePool(self.transfer)
        return STATUS_SUCCESS

    def Poll(self, Dpc, DeferredContext):
        if self.bus.busy:
            KeSetTimer(self.PollTimer, 1, self.PollDpc)
            return
        self.transfer.Bytes = 1
        KeSetEvent(self.transfer.Done)


scenario = Scenario(
    start=I2cDriver.Start,
    concurrently=[I2cDriver.Read],
    processors=[1, 2],
    expect={1: Holds(states=31), 2: Holds(states=47)},
)
