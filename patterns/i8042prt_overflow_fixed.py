"""ReactOS i8042prt, fixed: a key for which there is no room is not stored.

The twin of i8042prt_overflow.py. The service routine asks for room first; a key that finds none is
read, which it must be for the next interrupt to come, and dropped. That is enough: the index is
less than the size whenever it is used, and nobody else raises the count.
Source of the driver: reactos/reactos: drivers/input/i8042prt/keyboard.c (i8042KbdQueuePacket,
i8042KbdInterruptService).
"""

from dirql.model.wdk import *

SIZE = 2


class Keyboard(Device):
    """Keys come as fast as the output buffer is read.

    Nothing comes before it is enabled: a spurious call meanwhile finds nothing.
    """

    interrupts_enabled = Bit(0)
    output_buffer_full = Bit(0)

    def line(self):
        return self.output_buffer_full and self.interrupts_enabled

    @hardware
    def key(self):
        if self.interrupts_enabled:
            self.output_buffer_full = 1

    def read_data(self):
        self.output_buffer_full = 0
        return 1


class I8042prt(Driver):
    keyboard = Keyboard(Line(irql=8, mode=Latched))
    Interrupt = PKINTERRUPT()
    DpcKeyboard = KDPC()
    KeyboardBuffer = Array(Bit(0), SIZE)
    KeysInBuffer = Int(0, SIZE)

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
        key = self.keyboard.read_data()
        if self.KeysInBuffer < SIZE:
            self.KeyboardBuffer[self.KeysInBuffer] = key
            self.i8042KbdQueuePacket()
        return TRUE

    def i8042KbdQueuePacket(self):
        self.KeysInBuffer += 1
        KeInsertQueueDpc(self.DpcKeyboard)

    def i8042KbdDpcRoutine(self, Dpc, DeferredContext):
        KeSynchronizeExecution(self.Interrupt, self.TakeKeys)

    def TakeKeys(self, SynchronizeContext):
        self.KeysInBuffer = 0
        return TRUE


scenario = Scenario(
    start=I8042prt.StartProcedure,
    processors=[1, 2],
    expect={1: Holds(states=629), 2: Holds(states=629)},
)
