"""A card on a shared line, fixed: the service routine claims what its card asked for.

The twin of shared_line_always_claimed.py. It holds wherever in the chain it stands.

Source: KSERVICE_ROUTINE.
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
        return self.card.acknowledge()


scenarios = [
    Scenario(
        name="first",
        start=CardDriver.Start,
        processors=[1, 2],
        knobs={"chain_order": "own_first"},
        expect={1: Holds(states=124), 2: Holds(states=244)},
    ),
    Scenario(
        name="second",
        start=CardDriver.Start,
        processors=[1, 2],
        knobs={"chain_order": "foreign_first"},
        expect={1: Holds(states=100), 2: Holds(states=172)},
    ),
]
