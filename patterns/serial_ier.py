"""ReactOS serial: the interrupt enable register is updated under one lock, another lock, or none.

SerialSendByte sets the transmitter bit of IER while it holds OutputBufferLock; the DPC
SerialReceiveByte sets the receiver bit after it has released InputBufferLock. Each is a read of
the register followed by a write.

Bug (ReactOS serial, R2): between the read and the write of one, the other can write. The first
then stores a value that lacks the other's bit: a transmitter interrupt that never comes again, or
a deaf receiver. On one processor both run at DISPATCH_LEVEL and cannot interrupt each other; it
takes two. In the revisions read here no routine clears an IER bit, so today the stale value
happens to be the right one; the first change that masks a cause makes the loss real.
Source: reactos/reactos: drivers/serial/serial/misc.c (SerialReceiveByte, SerialSendByte).

In the trace look at the read of the register on one processor and the write on the other.
"""

from dirql.model.wdk import *


class Uart(Device):
    """Receiver and transmitter; only the receiver's interrupt matters here."""

    DATA_RECEIVED = 1
    THR_EMPTY = 2

    ier = Int(0, 3)
    data_ready = Bit(0)

    def line(self):
        return self.data_ready and self.ier & 1

    @hardware
    def byte_arrives(self):
        if self.ier:  # nobody sends to a port that is not open
            self.data_ready = 1

    def read_rbr(self):
        self.data_ready = 0


class Serial(Driver):
    uart = Uart(Line(irql=4, mode=Latched))
    Interrupt = PKINTERRUPT()
    ReceivedByteDpc = KDPC()
    InputBufferLock = KSPIN_LOCK()
    OutputBufferLock = KSPIN_LOCK()

    def SerialPnpStartDevice(self):
        KeInitializeDpc(self.ReceivedByteDpc, self.SerialReceiveByte)
        # Only the first processor is interrupted, as a legacy controller routes its lines.
        status = IoConnectInterrupt(
            self.Interrupt, self.SerialInterruptService, ProcessorEnableMask=1
        )
        if not NT_SUCCESS(status):
            return status
        self.uart.ier = self.uart.DATA_RECEIVED | self.uart.THR_EMPTY
        return STATUS_SUCCESS

    def SerialInterruptService(self, Interrupt, ServiceContext):
        if not self.uart.data_ready:
            return FALSE
        KeInsertQueueDpc(self.ReceivedByteDpc)
        return TRUE

    def SerialReceiveByte(self, Dpc, DeferredContext):
        KeAcquireSpinLock(self.InputBufferLock, OldIrql)
        while self.uart.data_ready:
            self.uart.read_rbr()
        KeReleaseSpinLock(self.InputBufferLock, OldIrql)
        self.uart.ier |= self.uart.DATA_RECEIVED

    def SerialSendByte(self):
        KeAcquireSpinLock(self.OutputBufferLock, OldIrql)
        self.uart.ier |= self.uart.THR_EMPTY
        KeReleaseSpinLock(self.OutputBufferLock, OldIrql)

    def SerialWrite(self):
        self.SerialSendByte()
        return STATUS_SUCCESS


scenario = Scenario(
    start=Serial.SerialPnpStartDevice,
    concurrently=[Serial.SerialWrite],
    processors=[1, 2, 3],
    expect={
        1: Holds(states=537),
        2: Violated("torn-read-modify-write", steps=21, states=1389),
        3: Violated("torn-read-modify-write", steps=21, states=2241),
    },
)
