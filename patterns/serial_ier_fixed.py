"""ReactOS serial, fixed: the interrupt enable register belongs to the interrupt lock.

The twin of serial_ier.py. Both updates of IER run as routines of KeSynchronizeExecution; the two
buffer locks go on protecting the two buffers and nothing else. That is enough, because a register
shared by several contexts needs one lock, whatever other locks its users hold, and the interrupt
lock is the one that a service routine which changes IER would hold as well.
Source of the driver: reactos/reactos: drivers/serial/serial/misc.c (SerialReceiveByte,
SerialSendByte).
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
        KeSynchronizeExecution(self.Interrupt, self.EnableDataReceived)

    def EnableDataReceived(self, SynchronizeContext):
        self.uart.ier |= self.uart.DATA_RECEIVED
        return TRUE

    def SerialSendByte(self):
        KeAcquireSpinLock(self.OutputBufferLock, OldIrql)
        KeSynchronizeExecution(self.Interrupt, self.EnableThrEmpty)
        KeReleaseSpinLock(self.OutputBufferLock, OldIrql)

    def EnableThrEmpty(self, SynchronizeContext):
        self.uart.ier |= self.uart.THR_EMPTY
        return TRUE

    def SerialWrite(self):
        self.SerialSendByte()
        return STATUS_SUCCESS


scenario = Scenario(
    start=Serial.SerialPnpStartDevice,
    concurrently=[Serial.SerialWrite],
    processors=[1, 2, 3],
    expect={1: Holds(states=613), 2: Holds(states=2190), 3: Holds(states=3767)},
)
