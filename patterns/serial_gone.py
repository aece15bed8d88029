"""ReactOS serial: the receive DPC loops for ever over a port that is gone.

SerialReceiveByte reads bytes as long as the line status register says that there is one. The
service routine knows that a register which reads as all ones is a port that is not there; the DPC
does not.

Bug: when the card is pulled out while the DPC is queued or running, the status register reads as
ones for ever, and so does the bit that says "data received". The DPC never ends, at
DISPATCH_LEVEL, and its processor is lost, with everything that is pinned or queued there. The
removal that would follow may not even get to run.
Source: reactos/reactos: drivers/serial/serial/misc.c (SerialReceiveByte; SerialInterruptService
tests for 0xff).

The trace ends where the card is gone and the DPC is committed to its loop.
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
        while status & DATA_RECEIVED:
            self.uart.read_rbr()
            status = self.uart.read_lsr()


scenario = Scenario(
    start=Serial.SerialPnpStartDevice,
    processors=[1, 2],
    expect={
        1: Violated("stuck-context", steps=11, states=638),
        2: Violated("stuck-context", steps=11, states=17899),
    },
)
