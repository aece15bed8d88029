"""ReactOS i8042prt, fixed: the newest key is looked at only if there is one, and under the lock.

The twin of i8042prt_empty_buffer.py. TakeKeys runs in the interrupt's critical section; it returns
at once when the buffer is empty, and looks at the newest key before it takes the keys away. That
is enough: the count cannot change between the test and the index, because the service routine
stores keys under the same lock.
Source of the driver: reactos/reactos: drivers/input/i8042prt/keyboard.c (HandlePowerKeys,
i8042KbdDpcRoutine).
"""

from dirql.model.wdk import *

SIZE = 2
ORDINARY = 0
POWER = 1


class Keyboard(Device):
    """Sends keys, and one acknowledgement for each command.

    Nothing comes before it is enabled: a spurious call meanwhile finds nothing.
    """

    interrupts_enabled = Bit(0)
    output_buffer_full = Bit(0)
    acknowledgement = Bit(0)
    command_pending = Bit(0)
    code = Bit({ORDINARY, POWER})

    def line(self):
        return self.output_buffer_full and self.interrupts_enabled

    @hardware
    def key(self):
        if self.interrupts_enabled and not self.output_buffer_full:
            self.output_buffer_full = 1
            self.acknowledgement = 0

    @hardware
    def acknowledges(self):
        if self.command_pending and not self.output_buffer_full:
            self.command_pending = 0
            self.output_buffer_full = 1
            self.acknowledgement = 1

    def read_data(self):
        self.output_buffer_full = 0
        return self.acknowledgement


class I8042prt(Driver):
    keyboard = Keyboard(Line(irql=8, mode=Latched))
    Interrupt = PKINTERRUPT()
    SpinLock = KSPIN_LOCK()
    DpcKeyboard = KDPC()
    KeyboardBuffer = Array(Bit(ORDINARY), SIZE)
    KeysInBuffer = Int(0, SIZE)

    def StartProcedure(self):
        KeInitializeDpc(self.DpcKeyboard, self.i8042KbdDpcRoutine)
        # Only the first processor is interrupted, as a legacy controller routes its lines.
        status = IoConnectInterrupt(
            self.Interrupt,
            self.i8042KbdInterruptService,
            SpinLock=self.SpinLock,
            ProcessorEnableMask=1,
        )
        if not NT_SUCCESS(status):
            return status
        self.keyboard.interrupts_enabled = 1
        return STATUS_SUCCESS

    def SetIndicators(self):
        self.keyboard.command_pending = 1

    def i8042KbdInterruptService(self, Interrupt, Context):
        if not self.keyboard.output_buffer_full:
            return FALSE
        if not self.keyboard.read_data() and self.KeysInBuffer < SIZE:
            self.KeyboardBuffer[self.KeysInBuffer] = self.keyboard.code
            self.KeysInBuffer += 1
        KeInsertQueueDpc(self.DpcKeyboard)
        return TRUE

    def HandlePowerKeys(self, count):
        return self.KeyboardBuffer[count - 1] == POWER

    def i8042KbdDpcRoutine(self, Dpc, DeferredContext):
        KeSynchronizeExecution(self.Interrupt, self.TakeKeys)

    def TakeKeys(self, SynchronizeContext):
        count = self.KeysInBuffer
        if count == 0 or self.HandlePowerKeys(count):
            return FALSE
        self.KeysInBuffer = 0
        return TRUE


scenario = Scenario(
    start=I8042prt.StartProcedure,
    concurrently=[I8042prt.SetIndicators],
    processors=[1, 2],
    expect={1: Holds(states=3663), 2: Holds(states=3663)},
)
