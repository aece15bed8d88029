"""ReactOS serial, fixed: the service routine goes on until the UART says that nothing is pending.

The twin of serial_one_cause.py. Each cause is quieted where it is found: a received byte is read
in the service routine, not in the DPC, and only the byte's further way is left to the DPC. When
the identification register says "nothing", the line is down; whatever comes after that raises it
again, and that is an edge. So no cause can hide behind another one. The serial sample of the
Windows DDK is written like this.
Source of the driver: reactos/reactos: drivers/serial/serial/misc.c (SerialInterruptService,
SerialReceiveByte).
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
        while cause != NOTHING:
            if cause == DATA_RECEIVED:
                self.uart.read_rbr()
                KeInsertQueueDpc(self.ReceivedByteDpc)
            else:
                KeInsertQueueDpc(self.SendByteDpc)
            cause = self.uart.read_iir()
        return TRUE

    def SerialReceiveByte(self, Dpc, DeferredContext):
        """Hands the bytes on that the service routine has read."""

    def SerialSendByte(self, Dpc, DeferredContext):
        pass


scenario = Scenario(
    start=Serial.SerialPnpStartDevice,
    processors=[1, 2],
    expect={1: Holds(states=833), 2: Holds(states=838)},
)
