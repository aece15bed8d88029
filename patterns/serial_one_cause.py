"""ReactOS serial: one cause is served for each edge, and two causes make only one edge.

A UART has one interrupt line for all its causes: it is up while any enabled cause is pending. The
service routine reads the identification register, which names the most urgent cause, deals with
that one, and returns. Received bytes are left to a DPC, which reads them later.

Bug: on a latched line only a rising edge counts. When the transmitter runs empty before the DPC has
read the received byte, the line never falls: the one edge was spent on the receiver, the
transmitter's cause is pending behind it, and neither it nor any byte received from now on makes
another edge. The port is deaf until something else quiets the UART. The service routine must not
return before the identification register says that nothing is pending.
Source: reactos/reactos: drivers/serial/serial/misc.c (SerialInterruptService, SerialReceiveByte).

In the trace look at the edge that does not come: the second cause arrives while the line is up.
"""

from dirql.model.wdk import *

NOTHING = 0
DATA_RECEIVED = 1
THR_EMPTY = 2


class Uart(Device):
    """Receiver and transmitter on one line; reading the identification clears THR_EMPTY."""

    ier = Bit(0)
    data_ready = Bit(0)
    thr_empty = Bit(0)

    def line(self):
        return self.ier and (self.data_ready or self.thr_empty)

    def waiting(self):
        return self.line()

    @hardware
    def byte_arrives(self):
        self.data_ready = 1

    @hardware
    def byte_sent(self):
        self.thr_empty = 1

    def read_iir(self):
        if self.data_ready:
            return DATA_RECEIVED
        if self.thr_empty:
            self.thr_empty = 0
            return THR_EMPTY
        return NOTHING

    def read_rbr(self):
        self.data_ready = 0


class Serial(Driver):
    uart = Uart(Line(irql=4, mode=Latched))
    Interrupt = PKINTERRUPT()
    ReceivedByteDpc = KDPC()
    SendByteDpc = KDPC()

    def SerialPnpStartDevice(self):
        KeInitializeDpc(self.ReceivedByteDpc, self.SerialReceiveByte)
        KeInitializeDpc(self.SendByteDpc, self.SerialSendByte)
        # Only the first processor is interrupted, as a legacy controller routes its lines.
        status = IoConnectInterrupt(
            self.Interrupt, self.SerialInterruptService, ProcessorEnableMask=1
        )
        if not NT_SUCCESS(status):
            return status
        self.uart.ier = 1
        return STATUS_SUCCESS

    def SerialInterruptService(self, Interrupt, ServiceContext):
        cause = self.uart.read_iir()
        if cause == NOTHING:
            return FALSE
        if cause == DATA_RECEIVED:
            KeInsertQueueDpc(self.ReceivedByteDpc)
        else:
            KeInsertQueueDpc(self.SendByteDpc)
        return TRUE

    def SerialReceiveByte(self, Dpc, DeferredContext):
        while self.uart.data_ready:
            self.uart.read_rbr()

    def SerialSendByte(self, Dpc, DeferredContext):
        pass


scenario = Scenario(
    start=Serial.SerialPnpStartDevice,
    processors=[1, 2],
    expect={
        1: Violated("unserviced-cause", steps=17, states=406),
        2: Violated("unserviced-cause", steps=17, states=425),
    },
)
