"""An I2C bus: a wait that was alerted is taken for the end of the transfer.

A read allocates a transfer, starts it, and waits for the event in it; the DPC of the polling timer
notes the result there and sets the event. So that a thread that is being terminated does not hang
in the driver, the wait is alertable.

Bug: an alertable wait ends when somebody alerts the thread, whatever has become of the event. Its
status is STATUS_ALERTED, for which NT_SUCCESS is true, and the driver does not look at it at all.
It frees the transfer, and the DPC comes later.

Source: KeWaitForSingleObject, return values; "Waits and APCs".

In the trace the wait is alerted, and the transfer goes on.
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
        KeWaitForSingleObject(self.transfer.Done, Executive, KernelMode, TRUE, NULL)
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
    expect={
        1: Violated("use-after-free", steps=14, states=51),
        2: Violated("use-after-free", steps=14, states=84),
    },
)
