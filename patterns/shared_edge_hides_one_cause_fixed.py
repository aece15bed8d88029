"""A UART on a shared latched line, fixed: the service routine returns when no cause is left.

The twin of shared_edge_hides_one_cause.py. When it returns, the line is down, so the next cause
makes an edge, however the chain is walked.

Source: KINTERRUPT_MODE.
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
        served = FALSE
        while self.uart.serve_most_urgent():
            served = TRUE
        return served


scenarios = [
    Scenario(
        name="repeated",
        start=UartDriver.Start,
        processors=[1, 2],
        expect={1: Holds(states=864), 2: Holds(states=945)},
    ),
    Scenario(
        name="once",
        start=UartDriver.Start,
        processors=[1, 2],
        knobs={"latched_chain": "call_all_once"},
        expect={1: Holds(states=281), 2: Holds(states=295)},
    ),
    Scenario(
        name="stopped",
        start=UartDriver.Start,
        processors=[1, 2],
        knobs={"latched_chain": "stop_at_true"},
        expect={1: Holds(states=280), 2: Holds(states=294)},
    ),
]
