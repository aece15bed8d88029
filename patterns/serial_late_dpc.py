"""ReactOS serial: surprise removal gives up the port while the receive DPC is still queued.

The service routine leaves the received byte to the DPC SerialReceiveByte, which reads the ports and
sets the receiver bit of IER. IRP_MN_SURPRISE_REMOVAL disconnects the interrupt and passes the
request on; nothing waits for a DPC.

Bug (ReactOS serial, R5): IoDisconnectInterrupt ends the calls of the service routine and leaves
queued DPCs alone. When removal returns, the port range belongs to nobody or to another device, and
the DPC reads and writes it. (The extension would be next: it is freed by the removal that follows.)
On one processor the DPC runs before the removing thread can go on; it takes two.
Source: reactos/reactos: drivers/serial/serial/pnp.c (IRP_MN_SURPRISE_REMOVAL), misc.c
(SerialReceiveByte).

MmUnmapIoSpace stands for the moment at which the system takes the port range back. In the trace
look at the queued DPC and at the end of the removal before it starts.
"""

from dirql.model.wdk import *


class Uart(Device):
    """A receiver; reading its buffer lowers the line."""

    ier = Bit(0)
    data_ready = Bit(0)
    gone = Bit(0)

    def line(self):
        return self.ier and self.data_ready and not self.gone

    @hardware
    def byte_arrives(self):
        self.data_ready = 1

    def read_rbr(self):
        self.data_ready = 0

    def pulled_out(self):
        self.gone = 1


class Serial(Driver):
    uart = Uart(Line(irql=4, mode=Latched))
    Interrupt = PKINTERRUPT()
    ReceivedByteDpc = KDPC()

    def SerialPnpStartDevice(self):
        KeInitializeDpc(self.ReceivedByteDpc, self.SerialReceiveByte)
        MmMapIoSpace(self.uart)
        status = IoConnectInterrupt(self.Interrupt, self.SerialInterruptService)
        if not NT_SUCCESS(status):
            return status
        self.uart.ier = 1
        return STATUS_SUCCESS

    def SerialInterruptService(self, Interrupt, ServiceContext):
        if not self.uart.data_ready:
            return FALSE
        KeInsertQueueDpc(self.ReceivedByteDpc)
        return TRUE

    def SerialReceiveByte(self, Dpc, DeferredContext):
        self.uart.read_rbr()
        self.uart.ier = 1

    def SurpriseRemoval(self):
        self.uart.pulled_out()
        IoDisconnectInterrupt(self.Interrupt)
        self.Interrupt = NULL
        MmUnmapIoSpace(self.uart)
        return STATUS_SUCCESS


scenario = Scenario(
    start=Serial.SerialPnpStartDevice,
    concurrently=[Serial.SurpriseRemoval],
    processors=[1, 2],
    expect={
        1: Holds(states=541),
        2: Violated("use-after-unmap", steps=20, states=1440),
    },
)
