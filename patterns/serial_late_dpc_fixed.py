"""ReactOS serial, fixed: removal waits for the DPCs that are still queued.

The twin of serial_late_dpc.py. After IoDisconnectInterrupt no service routine runs, so nothing can
queue a DPC any more; KeFlushQueuedDpcs then waits for those already queued, on all processors. In
this order, and only in this order, nobody is left who could touch the ports.
Source of the driver: reactos/reactos: drivers/serial/serial/pnp.c (IRP_MN_SURPRISE_REMOVAL),
misc.c (SerialReceiveByte).
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
        KeFlushQueuedDpcs()
        self.Interrupt = NULL
        MmUnmapIoSpace(self.uart)
        return STATUS_SUCCESS


scenario = Scenario(
    start=Serial.SerialPnpStartDevice,
    concurrently=[Serial.SurpriseRemoval],
    processors=[1, 2],
    expect={1: Holds(states=545), 2: Holds(states=15017)},
)
