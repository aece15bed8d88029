"""A card without an interrupt: its poll timer is armed again only when there was something to do.

The card has no interrupt line. A timer's DPC looks at it from time to time, takes what has arrived,
and arms the timer for the next look.

Bug: the DPC returns early when nothing has arrived, before the line that arms the timer. After the
first look in vain nobody looks again, and what arrives then stays in the card.

Source: KeSetTimer; "Using a CustomTimerDpc routine".

In the trace look at the timer, which has expired and is idle, when the frame arrives.
"""

from dirql.model.wdk import *


class Card(Device):
    """Holds a frame until somebody takes it."""

    frame = Bit(0)

    def waiting(self):
        return self.frame

    @hardware
    def frame_arrives(self):
        self.frame = 1

    def take(self):
        self.frame = 0


class CardDriver(Driver):
    card = Card()
    PollTimer = KTIMER()
    PollDpc = KDPC()

    def Start(self):
        KeInitializeTimer(self.PollTimer)
        KeInitializeDpc(self.PollDpc, self.Poll)
        KeSetTimer(self.PollTimer, 10, self.PollDpc)
        return STATUS_SUCCESS

    def Poll(self, Dpc, DeferredContext):
        if not self.card.frame:
            return
        self.card.take()
        KeSetTimer(self.PollTimer, 10, self.PollDpc)


scenario = Scenario(
    start=CardDriver.Start,
    processors=[1, 2],
    expect={
        1: Violated("unserviced-cause", steps=7, states=19),
        2: Violated("unserviced-cause", steps=7, states=28),
    },
)
