"""Cadence UART, fixed: the service routine clears the status register first and serves then.

The twin of cdns_uart_late_clear.py. A byte that arrives before the clear is found in the FIFO
afterwards; one that arrives after the clear sets the cause again, which raises the line, so the
service routine is called once more. The price is a call now and then that finds the FIFO empty
already.
Source: zephyrproject-rtos/zephyr pull request 98540, "drivers: serial: cdns: fix race condition for
interrupt clearing"; that is not a Windows driver, and this is what one with its order would be.
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
        self.uart.channel_interrupt_status = 0
        while self.uart.rx_fifo:
            self.uart.read_fifo()
        return TRUE


scenario = Scenario(
    start=CdnsUart.uart_cdns_init,
    processors=[1, 2],
    expect={1: Holds(states=94), 2: Holds(states=178)},
)
