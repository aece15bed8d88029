"""A card without an interrupt: its poll timer is armed again after every look.

The card has no interrupt line. A timer's DPC looks at it from time to time, takes what has arrived,
and arms the timer for the next look.

Fixed: the timer is armed again whatever was found. While it is armed a frame that has arrived is
not lost: the next expiry leads to it.

Source: KeSetTimer; "Using a CustomTimerDpc routine".

poll_timer_not_armed_again has the driver that forgets it where nothing has arrived.
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
        if self.card.frame:
            self.card.take()
        KeSetTimer(self.PollTimer, 10, self.PollDpc)


scenario = Scenario(
    start=CardDriver.Start,
    processors=[1, 2],
    expect={1: Holds(states=18), 2: Holds(states=28)},
)
