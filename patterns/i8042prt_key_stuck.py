"""ReactOS i8042prt: the DPC clears a flag without the lock and erases the news of the next key.

The service routine sets KeyComplete and queues a DPC. The DPC first asks HandlePowerKeys whether
the newest key is a power key; if so it stores KeyComplete = FALSE, outside the lock, and is done.
For other keys it clears the flag under the lock, takes the count and delivers.

Bug (ReactOS i8042prt, B3): an ordinary key pressed between the look at the power key and the store
sets KeyComplete to TRUE, and the store erases it. The DPC queued for that key finds FALSE and
returns. The key sits in the buffer until another key is pressed. One processor is enough.
Source: reactos/reactos: drivers/input/i8042prt/keyboard.c (i8042KbdDpcRoutine, HandlePowerKeys).

Only the newest key is kept here, and the power key is pressed first; `waiting` says that the person
at the keyboard has pressed a key that has not been delivered. In the trace look at the two stores
to KeyComplete. The line is bound to the first processor.
"""

from dirql.model.wdk import *

ORDINARY = 0
POWER = 1


class Keyboard(Device):
    """A power key, then ordinary keys, each when the last one has been delivered.

    Nothing comes before it is enabled: a spurious call meanwhile finds nothing.
    """

    interrupts_enabled = Bit(0)
    output_buffer_full = Bit(0)
    code = Bit(ORDINARY)
    power_key_used = Bit(0)
    undelivered = Bit(0)

    def line(self):
        return self.output_buffer_full and self.interrupts_enabled

    def waiting(self):
        return self.undelivered and self.interrupts_enabled

    @hardware
    def power_key(self):
        if self.interrupts_enabled and not (self.output_buffer_full or self.power_key_used):
            self.power_key_used = 1
            self.code = POWER
            self.output_buffer_full = 1

    @hardware
    def ordinary_key(self):
        if not self.output_buffer_full and not self.undelivered and self.power_key_used:
            self.undelivered = 1
            self.code = ORDINARY
            self.output_buffer_full = 1

    def read_data(self):
        self.output_buffer_full = 0
        return self.code

    def delivered(self):
        self.undelivered = 0


class I8042prt(Driver):
    keyboard = Keyboard(Line(irql=8, mode=Latched))
    Interrupt = PKINTERRUPT()
    SpinLock = KSPIN_LOCK()
    DpcKeyboard = KDPC()
    NewestKey = Bit(ORDINARY)
    KeyComplete = Bit(0)

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
        self.NewestKey = self.keyboard.read_data()
        self.KeyComplete = TRUE
        KeInsertQueueDpc(self.DpcKeyboard)
        return TRUE

    def HandlePowerKeys(self):
        return self.NewestKey == POWER

    def i8042KbdDpcRoutine(self, Dpc, DeferredContext):
        if self.HandlePowerKeys():
            self.KeyComplete = FALSE
            return
        if not self.KeyComplete:
            return
        OldIrql = KeAcquireInterruptSpinLock(self.Interrupt)
        self.KeyComplete = FALSE
        KeReleaseInterruptSpinLock(self.Interrupt, OldIrql)
        self.keyboard.delivered()


scenario = Scenario(
    start=I8042prt.StartProcedure,
    processors=[1, 2],
    expect={
        1: Violated("unserviced-cause", steps=30, states=228),
        2: Violated("unserviced-cause", steps=30, states=228),
    },
)
