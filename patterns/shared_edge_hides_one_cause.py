"""A UART on a shared latched line: one cause per call, and the chain makes up for it.

The service routine serves the most urgent cause and returns TRUE. When a second cause is pending,
the line stays up and makes no new edge. On a line of its own this is a lost interrupt
(serial_one_cause.py). On a shared latched line Windows has to walk the chain again until nobody
claims, because an edge of the neighbour may have been hidden; so the second cause is found, and the
driver seems right.

Bug: it is right only as long as the chain is walked like that, which is not documented. With the
knob latched_chain at "call_all_once" or "stop_at_true" the second cause is left behind.

Source: KINTERRUPT_MODE and the notes on latched interrupts in "Introduction to Interrupt Service
Routines".

In the trace the second cause comes before the first is served, and no edge follows.
"""

from dirql.model.wdk import *


class Uart(Device):
    """Two causes on one line; serving one clears it."""

    enabled = Bit(0)
    received = Bit(0)
    sent = Bit(0)

    def line(self):
        return self.enabled and (self.received or self.sent)

    def waiting(self):
        return self.line()

    @hardware
    def byte_received(self):
        self.received = 1

    @hardware
    def byte_sent(self):
        self.sent = 1

    def serve_most_urgent(self):
        """Says whether there was a cause."""
        if self.received:
            self.received = 0
            return TRUE
        was_sent = self.sent
        self.sent = 0
        return was_sent


class UartDriver(Driver):
    uart = Uart(Line(irql=4, mode=Latched, shared=True))
    Interrupt = PKINTERRUPT()

    def Start(self):
        # Only the first processor is interrupted, as a legacy controller routes its lines.
        status = IoConnectInterrupt(self.Interrupt, self.Isr, ProcessorEnableMask=1)
        if not NT_SUCCESS(status):
            return status
        self.uart.enabled = 1
        return STATUS_SUCCESS

    def Isr(self, Interrupt, ServiceContext):
        return self.uart.serve_most_urgent()


scenarios = [
    Scenario(
        name="repeated",
        start=UartDriver.Start,
        processors=[1, 2],
        expect={1: Holds(states=770), 2: Holds(states=836)},
    ),
    Scenario(
        name="once",
        start=UartDriver.Start,
        processors=[1, 2],
        knobs={"latched_chain": "call_all_once"},
        expect={
            1: Violated("unserviced-cause", steps=11, states=247),
            2: Violated("unserviced-cause", steps=11, states=259),
        },
    ),
    Scenario(
        name="stopped",
        start=UartDriver.Start,
        processors=[1, 2],
        knobs={"latched_chain": "stop_at_true"},
        expect={
            1: Violated("unserviced-cause", steps=10, states=234),
            2: Violated("unserviced-cause", steps=10, states=246),
        },
    ),
]
