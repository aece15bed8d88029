"""Cadence UART: the service routine serves first and clears the status register last.

The interrupt service routine empties the receive FIFO and then writes back all the causes that
this UART can have, to acknowledge them.

Bug: a byte that arrives between the last look at the FIFO and the write sets its cause again, and
the write wipes it. The byte stays in the FIFO, the line is low, and nothing will tell the driver
until another byte comes. The rule for such a register is: read and clear first, then serve what
was read.
Source: zephyrproject-rtos/zephyr pull request 98540, "drivers: serial: cdns: fix race condition for
interrupt clearing"; that is not a Windows driver, and this is what one with its order would be.

In the trace look at the byte that arrives between the last test of the FIFO and the clear. It takes
no second processor: the device is never held up by anybody's IRQL.
"""

from dirql.model.wdk import *


class CadenceUart(Device):
    """A receive FIFO and one cause, set by each byte and cleared by writing the register."""

    rx_enabled = Bit(0)
    rx_fifo = Int(0, 2)
    channel_interrupt_status = Bit(0)

    def line(self):
        return self.channel_interrupt_status

    def waiting(self):
        return self.rx_fifo

    @hardware
    def byte_arrives(self):
        if self.rx_enabled and self.rx_fifo < 2:
            self.rx_fifo += 1
            self.channel_interrupt_status = 1

    def read_fifo(self):
        self.rx_fifo -= 1


class CdnsUart(Driver):
    uart = CadenceUart(Line(irql=5, mode=LevelSensitive))
    Interrupt = PKINTERRUPT()

    def uart_cdns_init(self):
        status = IoConnectInterrupt(self.Interrupt, self.uart_cdns_isr)
        if not NT_SUCCESS(status):
            return status
        self.uart.rx_enabled = 1
        return STATUS_SUCCESS

    def uart_cdns_isr(self, Interrupt, ServiceContext):
        if not self.uart.channel_interrupt_status:
            return FALSE
        while self.uart.rx_fifo:
            self.uart.read_fifo()
        self.uart.channel_interrupt_status = 0
        return TRUE


scenario = Scenario(
    start=CdnsUart.uart_cdns_init,
    processors=[1, 2],
    expect={
        1: Violated("unserviced-cause", steps=14, states=76),
        2: Violated("unserviced-cause", steps=14, states=141),
    },
)
