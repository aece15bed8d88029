"""A card on a shared line: the service routine claims every interrupt.

The card was developed on a line of its own, where nobody looks at the answer, and its service
routine returns TRUE without asking the card. On a level line that it shares, the system asks one
service routine after the other until one claims.

Bug: the card claims the neighbour's interrupt and does nothing about it. If it stands first in the
chain, the neighbour is never asked, its line stays up, and the processor never gets below the
device's level again. If it stands behind the neighbour, nothing happens: the scenario "second"
(knob chain_order) holds. Which of the two it is changes from machine to machine.

Source: KSERVICE_ROUTINE: FALSE, if the device did not interrupt.

In the trace the foreign device asserts the line, and the own service routine claims it.
"""

from dirql.model.wdk import *


class Card(Device):
    """Asks for service; reading the status acknowledges."""

    enabled = Bit(0)
    cause = Bit(0)

    def line(self):
        return self.cause and self.enabled

    @hardware
    def event(self):
        self.cause = 1

    def acknowledge(self):
        had_cause = self.cause
        self.cause = 0
        return had_cause


class CardDriver(Driver):
    card = Card(Line(irql=6, mode=LevelSensitive, shared=True))
    Interrupt = PKINTERRUPT()

    def Start(self):
        status = IoConnectInterrupt(self.Interrupt, self.Isr)
        if not NT_SUCCESS(status):
            return status
        self.card.enabled = 1
        return STATUS_SUCCESS

    def Isr(self, Interrupt, ServiceContext):
        self.card.acknowledge()
        return TRUE


scenarios = [
    Scenario(
        name="first",
        start=CardDriver.Start,
        processors=[1, 2],
        knobs={"chain_order": "own_first"},
        expect={
            1: Violated("stuck-context", steps=3, states=108),
            2: Violated("stuck-context", steps=3, states=220),
        },
    ),
    Scenario(
        name="second",
        start=CardDriver.Start,
        processors=[1, 2],
        knobs={"chain_order": "foreign_first"},
        expect={1: Holds(states=100), 2: Holds(states=172)},
    ),
]
