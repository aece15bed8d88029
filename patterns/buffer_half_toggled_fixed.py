"""A sound card, fixed: the bit is flipped by an interlocked operation on both sides.

The twin of buffer_half_toggled.py. The count of flips is kept with InterlockedExchangeAdd, whose
result is the number of the flip.

Source: InterlockedXor; InterlockedExchangeAdd.
"""

from dirql.model.wdk import *


class SoundCard(Device):
    """Plays one half of the buffer after the other; reading the status acknowledges."""

    enabled = Bit(0)
    half_played = Bit(0)

    def line(self):
        return self.half_played and self.enabled

    @hardware
    def half_ends(self):
        self.half_played = 1

    def acknowledge(self):
        was_played = self.half_played
        self.half_played = 0
        return was_played


class SoundDriver(Driver):
    card = SoundCard(Line(irql=6, mode=LevelSensitive))
    Interrupt = PKINTERRUPT()
    FreeHalf = Bit(0, volatile=True)
    Flips = Int(0, 1, wrapping=True)

    def Start(self):
        # Only the first processor is interrupted, as a legacy controller routes its lines.
        status = IoConnectInterrupt(self.Interrupt, self.Isr, ProcessorEnableMask=1)
        if not NT_SUCCESS(status):
            return status
        self.card.enabled = 1
        return STATUS_SUCCESS

    def Isr(self, Interrupt, ServiceContext):
        if not self.card.acknowledge():
            return FALSE
        self.Flip()
        return TRUE

    def Flip(self):
        InterlockedXor(self.FreeHalf, 1)
        InterlockedExchangeAdd(self.Flips, 1)

    def RestartStream(self):
        self.Flip()
        return STATUS_SUCCESS


scenario = Scenario(
    start=SoundDriver.Start,
    concurrently=[SoundDriver.RestartStream],
    processors=[1, 2],
    expect={1: Holds(states=272), 2: Holds(states=272)},
)
