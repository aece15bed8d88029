"""ReactOS i8042prt: keys that stay in the buffer are counted, but not moved to its front.

i8042KbdInterruptService stores each key at KeyboardBuffer[KeysInBuffer] and queues a DPC. The DPC
copies the count, hands that many keys to the class driver without the lock, and then subtracts
what the class driver took. The next delivery begins at index 0 again.

Bug (ReactOS i8042prt, B1): a key that arrives while the class driver runs lies behind the delivered
ones. The subtraction makes it number 0, but nobody moves it there: the old key is delivered a
second time and the new one is never seen. The mouse DPC of the same driver does move the rest.
Source: reactos/reactos: drivers/input/i8042prt/keyboard.c (i8042KbdDpcRoutine), mouse.c.

Keys are numbered here, and the class driver asserts that they come in order. In the trace look at
the second key, stored at index 1, and at what index 0 holds when the count is 1 again. The line is
bound to the first processor; two DPCs side by side on two processors are another story.
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
        self.KeysInBuffer -= KeysInBufferCopy
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
    expect={
        1: Violated("assertion-failed", steps=55, states=1710),
        2: Violated("assertion-failed", steps=55, states=1710),
    },
)
