"""xenbus: a thread looks for its answer, and then waits for one event more than there will be.

A thread asks the other domain something and looks whether the answer is there. If not, it calls a
routine that waits for the next event of the channel: it samples how many events there were and
spins until there is one more.

Bug: the answer comes with its event after the thread has looked and before the routine has sampled.
The event is in the sample; the thread spins for one more, which nobody sends.

Source: xcp-ng/win-xenbus, commit e14b04b: the routine is given the number to wait for, and its
caller samples before it looks.

In the trace the event comes between the look and the sample.
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
        while not self.channel.answered:
            seen = self.Events
            self.WaitForMoreThan(seen)


scenario = Scenario(
    start=XenBus.Start,
    concurrently=[XenBus.Ask],
    processors=[1, 2],
    expect={
        1: Violated("stuck-context", steps=6, states=134),
        2: Violated("stuck-context", steps=9, states=149),
    },
)
