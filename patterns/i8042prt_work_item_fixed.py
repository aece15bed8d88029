"""ReactOS i8042prt, fixed: only the press that finds the work item free queues it.

The twin of i8042prt_work_item.py. PowerWorkItemQueued is exchanged for 1; whoever finds 0 queues
the item. The worker stores 0 before it takes LastPowerKey. That is enough: a press that finds 1 has
stored its key before, and the worker that will clear the flag has yet to take the key. A press
after the flag is cleared queues the item again, which has left the queue by then. The key is
pressed twice at most: without a bound any number of system threads could be in the worker at once.
Source of the driver: reactos/reactos: drivers/input/i8042prt/keyboard.c (HandlePowerKeys,
i8042PowerWorkItem).
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
    PowerWorkItemQueued = Bit(0)

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
        if not InterlockedExchange(self.PowerWorkItemQueued, 1):
            IoQueueWorkItem(self.PowerWorkItem, self.i8042PowerWorkItem)

    def i8042PowerWorkItem(self, DeviceObject, Context):
        InterlockedExchange(self.PowerWorkItemQueued, 0)
        InterlockedExchange(self.LastPowerKey, 0)


scenario = Scenario(
    start=I8042prt.StartProcedure,
    processors=[1, 2],
    expect={1: Holds(states=920), 2: Holds(states=952)},
)
