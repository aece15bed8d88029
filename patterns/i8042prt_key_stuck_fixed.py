"""ReactOS i8042prt, fixed: the flag is read, cleared and acted upon in one critical section.

The twin of i8042prt_key_stuck.py. The DPC takes the newest key together with KeyComplete, under the
interrupt lock, and only then decides what kind of key it was. That is enough, because a key that
comes after the critical section sets the flag again and queues the DPC again: what the DPC clears
is exactly what it has seen.
Source of the driver: reactos/reactos: drivers/input/i8042prt/keyboard.c (i8042KbdDpcRoutine,
HandlePowerKeys).
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

    def i8042KbdDpcRoutine(self, Dpc, DeferredContext):
        OldIrql = KeAcquireInterruptSpinLock(self.Interrupt)
        newest = self.NewestKey
        complete = self.KeyComplete
        self.KeyComplete = FALSE
        KeReleaseInterruptSpinLock(self.Interrupt, OldIrql)
        if complete and newest != POWER:
            self.keyboard.delivered()


scenario = Scenario(
    start=I8042prt.StartProcedure,
    processors=[1, 2],
    expect={1: Holds(states=316), 2: Holds(states=316)},
)
