"""A network card, fixed: without an interrupt there is no device.

The twin of connect_status_ignored.py. A start that fails is reported, so no request comes.

Source: IoConnectInterrupt, return value.
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
        return IoConnectInterrupt(self.Interrupt, self.Isr)

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
        expect={1: Holds(states=170), 2: Holds(states=422)},
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
