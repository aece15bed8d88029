"""ReactOS serial, fixed: the receive DPC recognises a port that is gone.

The twin of serial_gone.py. The DPC takes a status register that reads as all ones for a port that
is not there, and stops; the service routine does the same with the identification register. That
is enough: with the card in place the loop ends when the bytes are read, without it at the next
look.
Source of the driver: reactos/reactos: drivers/serial/serial/misc.c (SerialReceiveByte).
"""

from dirql.model.wdk import *

DATA_RECEIVED = 1
NOT_THERE = 3


class Uart(Device):
    """The status register has two bits here; both are ones when nothing answers."""

    ier = Bit(0)
    data_ready = Bit(0)
    gone = Bit(0)

    def line(self):
        return self.ier and self.data_ready and not self.gone

    @hardware
    def byte_arrives(self):
        self.data_ready = 1

    @hardware
    def pulled_out(self):
        self.gone = 1

    def read_lsr(self):
        return NOT_THERE if self.gone else self.data_ready

    def read_rbr(self):
        self.data_ready = 0


class Serial(Driver):
    uart = Uart(Line(irql=4, mode=Latched))
    Interrupt = PKINTERRUPT()
    ReceivedByteDpc = KDPC()

    def SerialPnpStartDevice(self):
        KeInitializeDpc(self.ReceivedByteDpc, self.SerialReceiveByte)
        status = IoConnectInterrupt(self.Interrupt, self.SerialInterruptService)
        if not NT_SUCCESS(status):
            return status
        self.uart.ier = 1
        return STATUS_SUCCESS

    def SerialInterruptService(self, Interrupt, ServiceContext):
        status = self.uart.read_lsr()
        if status == NOT_THERE:
            return TRUE
        if not status & DATA_RECEIVED:
            return FALSE
        KeInsertQueueDpc(self.ReceivedByteDpc)
        return TRUE

    def SerialReceiveByte(self, Dpc, DeferredContext):
        status = self.uart.read_lsr()
        while status != NOT_THERE and status & DATA_RECEIVED:
            self.uart.read_rbr()
            status = self.uart.read_lsr()


scenario = Scenario(
    start=Serial.SerialPnpStartDevice,
    processors=[1, 2],
    expect={1: Holds(states=606), 2: Holds(states=17317)},
)
