"""A network card: the driver does not look at what the connect call returned.

Initialize connects the interrupt and returns success. The first request enables the card, under
the interrupt lock, which it takes through the pointer.

Bug: when the system is short of memory the connect fails, there is no interrupt object, and the
request takes a lock that does not exist. On a machine that has just started that hardly ever
happens: with the knob connect_may_fail at "no", in the scenario "enough", the pattern holds, and
that is what tests see.

Source: IoConnectInterrupt, return value STATUS_INSUFFICIENT_RESOURCES.

In the trace look at the step in which the connect fails.
"""

from dirql.model.wdk import *


class Nic(Device):
    """Receives frames; reading the status register acknowledges."""

    enabled = Bit(0)
    received = Bit(0)

    def line(self):
        return self.received and self.enabled

    @hardware
    def frame_arrives(self):
        self.received = 1

    def acknowledge(self):
        was_received = self.received
        self.received = 0
        return was_received


class NicDriver(Driver):
    nic = Nic(Line(irql=7, mode=LevelSensitive))
    Interrupt = PKINTERRUPT()
    Frames = Int(0, 1, saturating=True)

    def Initialize(self):
        IoConnectInterrupt(self.Interrupt, self.Isr)
        return STATUS_SUCCESS

    def Isr(self, Interrupt, ServiceContext):
        if not self.nic.acknowledge():
            return FALSE
        self.Frames += 1
        return TRUE

    def EnableInterrupt(self):
        KeSynchronizeExecution(self.Interrupt, self.Unmask)

    def Unmask(self, SynchronizeContext):
        self.nic.enabled = 1
        return TRUE


scenarios = [
    Scenario(
        name="scarce",
        start=NicDriver.Initialize,
        concurrently=[NicDriver.EnableInterrupt],
        processors=[1, 2],
        expect={
            1: Violated("synchronize-on-dead-interrupt", steps=3, states=19),
            2: Violated("synchronize-on-dead-interrupt", steps=3, states=23),
        },
    ),
    Scenario(
        name="enough",
        start=NicDriver.Initialize,
        concurrently=[NicDriver.EnableInterrupt],
        processors=[1, 2],
        knobs={"connect_may_fail": "no"},
        expect={1: Holds(states=168), 2: Holds(states=420)},
    ),
]
