"""ReactOS i8042prt: the keyboard buffer overflows by one key.

The service routine stores a key at KeyboardBuffer[KeysInBuffer]. Only then does
i8042KbdQueuePacket count it in, and takes it back if the count is greater than the size of the
buffer.

Bug: the test comes after the store, and "greater" lets the count reach the size itself. The next
key is then stored one element behind the end of the pool block. The mouse routine of the same
driver tests with "greater or equal" and stays inside. It takes a full buffer: keys that come
faster than the class driver takes them, for instance while it holds the DPC up.
Source: reactos/reactos: drivers/input/i8042prt/keyboard.c (i8042KbdQueuePacket,
i8042KbdInterruptService), mouse.c (i8042MouQueuePacket).

The buffer holds two keys here. In the trace look at the third key: no DPC has run in between.
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
    KeysInBuffer = Int(0, SIZE + 1)

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
        self.KeyboardBuffer[self.KeysInBuffer] = self.keyboard.read_data()
        self.i8042KbdQueuePacket()
        return TRUE

    def i8042KbdQueuePacket(self):
        self.KeysInBuffer += 1
        if self.KeysInBuffer > SIZE:
            self.KeysInBuffer -= 1
        KeInsertQueueDpc(self.DpcKeyboard)

    def i8042KbdDpcRoutine(self, Dpc, DeferredContext):
        KeSynchronizeExecution(self.Interrupt, self.TakeKeys)

    def TakeKeys(self, SynchronizeContext):
        self.KeysInBuffer = 0
        return TRUE


scenario = Scenario(
    start=I8042prt.StartProcedure,
    processors=[1, 2],
    expect={
        1: Violated("index-out-of-range", steps=37, states=323),
        2: Violated("index-out-of-range", steps=37, states=323),
    },
)
