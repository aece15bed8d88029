"""ReactOS i8042prt: the power key queues the same work item as often as it is pressed.

A power key needs PASSIVE_LEVEL, so HandlePowerKeys stores the key in LastPowerKey and queues
PowerWorkItem, of which the driver has one; i8042PowerWorkItem takes the key and completes the
waiting request.

Bug (ReactOS i8042prt, B5): unlike a DPC, a work item must not be queued while it is queued. Whoever
presses the key twice before a system thread gets round to the first press links the item into the
system's list a second time, and the list is damaged. One processor is enough.
Source: reactos/reactos: drivers/input/i8042prt/keyboard.c (HandlePowerKeys, i8042PowerWorkItem).

In the trace look at the second call of IoQueueWorkItem: no worker has started in between.
"""

from dirql.model.wdk import *


class Keyboard(Device):
    """A keyboard of which only the power key is pressed, twice at most."""

    interrupts_enabled = Bit(0)
    output_buffer_full = Bit(0)
    presses = Int(0, 2)

    def line(self):
        return self.output_buffer_full and self.interrupts_enabled

    @hardware
    def power_key(self):
        if self.presses < 2:
            self.presses += 1
            self.output_buffer_full = 1

    def read_data(self):
        self.output_buffer_full = 0


class I8042prt(Driver):
    keyboard = Keyboard(Line(irql=8, mode=Latched))
    Interrupt = PKINTERRUPT()
    DpcKeyboard = KDPC()
    PowerWorkItem = IO_WORKITEM()
    LastPowerKey = Bit(0)

    def StartProcedure(self):
        KeInitializeDpc(self.DpcKeyboard, self.i8042KbdDpcRoutine)
        # Only the first processor is interrupted, as a legacy controller routes its lines.
        status = IoConnectInterrupt(
            self.Interrupt, self.i8042KbdInterruptService, ProcessorEnableMask=1
        )
        if not NT_SUCCESS(status):
            return status
        self.keyboard.interrupts_enabled = 1
        return STATUS_SUCCESS

    def i8042KbdInterruptService(self, Interrupt, Context):
        if not self.keyboard.output_buffer_full:
            return FALSE
        self.keyboard.read_data()
        KeInsertQueueDpc(self.DpcKeyboard)
        return TRUE

    def i8042KbdDpcRoutine(self, Dpc, DeferredContext):
        self.HandlePowerKeys()

    def HandlePowerKeys(self):
        InterlockedExchange(self.LastPowerKey, 1)
        IoQueueWorkItem(self.PowerWorkItem, self.i8042PowerWorkItem)

    def i8042PowerWorkItem(self, DeviceObject, Context):
        InterlockedExchange(self.LastPowerKey, 0)


scenario = Scenario(
    start=I8042prt.StartProcedure,
    processors=[1, 2],
    expect={
        1: Violated("work-item-queued-twice", steps=24, states=513),
        2: Violated("work-item-queued-twice", steps=24, states=513),
    },
)
