"""ReactOS i8042prt, fixed: what the class driver did not take moves to the front of the buffer.

The twin of i8042prt_compaction.py. The second critical section of the DPC moves the keys that came
meanwhile down to index 0, together with the subtraction and under the same lock. That is enough,
because the service routine looks at the count only under that lock: it never sees a count that
does not match the contents. The mouse DPC of the same driver has had this move all along.
Source of the driver: reactos/reactos: drivers/input/i8042prt/keyboard.c (i8042KbdDpcRoutine),
mouse.c (i8042MouDpcRoutine).
"""

from dirql.model.wdk import *

KEYS = 3


class Keyboard(Device):
    """The output buffer of the controller: one key at a time, numbered in order.

    Nothing comes before it is enabled: a spurious call meanwhile finds nothing.
    """

    interrupts_enabled = Bit(0)
    output_buffer_full = Bit(0)
    typed = Int(0, KEYS)

    def line(self):
        return self.output_buffer_full and self.interrupts_enabled

    @hardware
    def key(self):
        if self.interrupts_enabled and not self.output_buffer_full and self.typed < KEYS:
            self.typed += 1
            self.output_buffer_full = 1

    def read_data(self):
        self.output_buffer_full = 0
        return self.typed


class I8042prt(Driver):
    keyboard = Keyboard(Line(irql=8, mode=Latched))
    Interrupt = PKINTERRUPT()
    SpinLock = KSPIN_LOCK()
    DpcKeyboard = KDPC()
    KeyboardBuffer = Array(Int(0, KEYS), KEYS)
    KeysInBuffer = Int(0, KEYS)
    last_delivered = Int(0, KEYS)

    def StartProcedure(self):
        KeInitializeDpc(self.DpcKeyboard, self.i8042KbdDpcRoutine)
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

    def i8042KbdInterruptService(self, Interrupt, Context):
        if not self.keyboard.output_buffer_full:
            return FALSE
        self.KeyboardBuffer[self.KeysInBuffer] = self.keyboard.read_data()
        self.KeysInBuffer += 1
        KeInsertQueueDpc(self.DpcKeyboard)
        return TRUE

    def i8042KbdDpcRoutine(self, Dpc, DeferredContext):
        OldIrql = KeAcquireInterruptSpinLock(self.Interrupt)
        KeysInBufferCopy = self.KeysInBuffer
        KeReleaseInterruptSpinLock(self.Interrupt, OldIrql)
        self.ClassService(KeysInBufferCopy)
        OldIrql = KeAcquireInterruptSpinLock(self.Interrupt)
        left = self.KeysInBuffer - KeysInBufferCopy
        for i in range(left):
            self.KeyboardBuffer[i] = self.KeyboardBuffer[KeysInBufferCopy + i]
        self.KeysInBuffer = left
        KeReleaseInterruptSpinLock(self.Interrupt, OldIrql)

    def ClassService(self, count):
        """The class driver takes all keys that it is offered."""
        for i in range(count):
            key = self.KeyboardBuffer[i]
            assert key == self.last_delivered + 1, "keys are delivered in order, each one once"
            self.last_delivered = key


scenario = Scenario(
    start=I8042prt.StartProcedure,
    processors=[1, 2],
    expect={1: Holds(states=2989), 2: Holds(states=2989)},
)
