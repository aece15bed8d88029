"""xenbus, fixed: the number of events is sampled before the thread looks for its answer.

The twin of xenbus_waits_for_next_event.py. An event that comes after the look is one more than was
sampled.

Source: xcp-ng/win-xenbus, commit e14b04b.
"""

from dirql.model.wdk import *


class Channel(Device):
    """Answers once, with one event."""

    asked = Bit(0)
    answered = Bit(0)
    event = Bit(0)

    def line(self):
        return self.event

    @hardware(sure=True)
    def answers(self):
        if self.asked and not self.answered:
            self.answered = 1
            self.event = 1

    def take_event(self):
        had_event = self.event
        self.event = 0
        return had_event


class XenBus(Driver):
    channel = Channel(Line(irql=8, mode=Latched))
    Interrupt = PKINTERRUPT()
    Events = Int(0, 1, volatile=True)

    def Start(self):
        # Only the first processor is interrupted, as a legacy controller routes its lines.
        return IoConnectInterrupt(self.Interrupt, self.Upcall, ProcessorEnableMask=1)

    def Upcall(self, Interrupt, ServiceContext):
        if not self.channel.take_event():
            return FALSE
        InterlockedIncrement(self.Events)
        return TRUE

    def WaitForMoreThan(self, seen: Int(0, 1)):
        while self.Events == seen:
            KeStallExecutionProcessor()

    def Ask(self):
        self.channel.asked = 1
        seen = self.Events
        while not self.channel.answered:
            self.WaitForMoreThan(seen)
            seen = self.Events


scenario = Scenario(
    start=XenBus.Start,
    concurrently=[XenBus.Ask],
    processors=[1, 2],
    expect={1: Holds(states=134), 2: Holds(states=149)},
)
