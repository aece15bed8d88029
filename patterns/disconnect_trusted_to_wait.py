"""A network card: the driver trusts that a disconnect waits for a service routine in progress.

Halt masks the card with a plain register write and disconnects the interrupt. A service routine
that began before the mask may still be running on another processor.

Bug: whether the disconnect waits for it is not documented, and the author does not know. Current
systems do; in the scenario "waits" the pattern holds. In "returns", with the knob
disconnect_waits_for_isr at "no", the service routine goes on with an interrupt object that is gone,
and with whatever the driver frees next.

Source: IoDisconnectInterrupt, which says nothing about it.

In the trace look at the service routine on the other processor when the disconnect ends.
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

    def Start(self):
        status = IoConnectInterrupt(self.Interrupt, self.Isr)
        if not NT_SUCCESS(status):
            return status
        self.nic.enabled = 1
        return STATUS_SUCCESS

    def Isr(self, Interrupt, ServiceContext):
        return self.nic.acknowledge()

    def Halt(self):
        self.nic.enabled = 0
        IoDisconnectInterrupt(self.Interrupt)
        self.Interrupt = NULL


scenarios = [
    Scenario(
        name="waits",
        start=NicDriver.Start,
        concurrently=[NicDriver.Halt],
        processors=[1, 2],
        expect={1: Holds(states=90), 2: Holds(states=220)},
    ),
    Scenario(
        name="returns",
        start=NicDriver.Start,
        concurrently=[NicDriver.Halt],
        processors=[1, 2],
        knobs={"disconnect_waits_for_isr": "no"},
        expect={1: Holds(states=32), 2: Violated("isr-after-disconnect", steps=10, states=72)},
    ),
]
