"""ReactOS i8042prt: the DPC looks at the newest key although there may be none.

One DPC serves two kinds of interrupts: a key, which the service routine puts into KeyboardBuffer,
and the acknowledgement of a command (set the indicator lights), which puts nothing there. The DPC
begins with HandlePowerKeys, which looks at KeyboardBuffer[KeysInBuffer - 1].

Bug (ReactOS i8042prt, B4): when the DPC was queued for an acknowledgement alone, KeysInBuffer is
zero and the index is -1: the driver reads what lies in front of its pool block and, if that looks
like a power key, acts upon it. No concurrency is needed, only the order "light before key".
Source: reactos/reactos: drivers/input/i8042prt/keyboard.c (HandlePowerKeys, i8042KbdDpcRoutine).

In the trace look at the interrupt: no key was stored before the DPC was queued.
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

    def HandlePowerKeys(self):
        return self.KeyboardBuffer[self.KeysInBuffer - 1] == POWER

    def i8042KbdDpcRoutine(self, Dpc, DeferredContext):
        if self.HandlePowerKeys():
            return
        KeSynchronizeExecution(self.Interrupt, self.TakeKeys)

    def TakeKeys(self, SynchronizeContext):
        self.KeysInBuffer = 0
        return TRUE


scenario = Scenario(
    start=I8042prt.StartProcedure,
    concurrently=[I8042prt.SetIndicators],
    processors=[1, 2],
    expect={
        1: Violated("index-out-of-range", steps=16, states=262),
        2: Violated("index-out-of-range", steps=16, states=262),
    },
)
