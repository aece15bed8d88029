"""A sound card: thread and service routine choose the half of the buffer with one plain toggle.

The card plays one half while the driver fills the other. At each interrupt the service routine
flips a bit that says which half is free; a thread that restarts the stream flips it as well, to
begin with the other half. The bit is a single byte, so the author declared it volatile and left it
at that.

Bug: a flip is a read and a write. The service routine comes in between, and its flip is lost: the
driver now fills the half that is being played.

Source: "Introduction to Interlocked Operations"; "Using Interrupt Service Routines": what is shared
with a service routine needs the interrupt lock or an interlocked operation.

In the trace look at the flip of the service routine between the two halves of the thread's.
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
        self.FreeHalf ^= 1

    def RestartStream(self):
        self.Flip()
        return STATUS_SUCCESS


scenario = Scenario(
    start=SoundDriver.Start,
    concurrently=[SoundDriver.RestartStream],
    processors=[1, 2],
    expect={
        1: Violated("torn-read-modify-write", steps=9, states=336),
        2: Violated("torn-read-modify-write", steps=9, states=348),
    },
)
