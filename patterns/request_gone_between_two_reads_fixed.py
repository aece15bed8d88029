"""A scanner, fixed: one interlocked exchange tests the pointer, clears it and gives it to the DPC.

The twin of request_gone_between_two_reads.py. Whoever gets the request from the exchange owns it,
so it is completed once, and nobody else can clear the pointer in between.

Source: InterlockedExchangePointer.
"""

from dirql.model.wdk import *


class Scanner(Device):
    """Scans one line after another; reading the status acknowledges."""

    enabled = Bit(0)
    scanned = Bit(0)

    def line(self):
        return self.scanned and self.enabled

    @hardware
    def line_scanned(self):
        self.scanned = 1

    def acknowledge(self):
        was_scanned = self.scanned
        self.scanned = 0
        return was_scanned


class Request(Structure):
    completed = Int(0, 1)


class ScannerDriver(Driver):
    scanner = Scanner(Line(irql=5, mode=LevelSensitive))
    Self = DEVICE_OBJECT()
    Interrupt = PKINTERRUPT()
    request = Request()
    CurrentRequest = Reference(Request)

    def StartIo(self):
        WriteNoFence(self.CurrentRequest, self.request)
        IoInitializeDpcRequest(self.Self, self.DpcForIsr)
        # Only the first processor is interrupted, as a legacy controller routes its lines.
        status = IoConnectInterrupt(self.Interrupt, self.Isr, ProcessorEnableMask=1)
        if not NT_SUCCESS(status):
            return status
        self.scanner.enabled = 1
        return STATUS_SUCCESS

    def Isr(self, Interrupt, ServiceContext):
        if not self.scanner.acknowledge():
            return FALSE
        IoRequestDpc(self.Self)
        return TRUE

    def DpcForIsr(self, Dpc, DeviceObject, Irp, Context):
        request = InterlockedExchangePointer(self.CurrentRequest, NULL)
        if request:
            InterlockedIncrement(request.completed)

    def Cancel(self):
        if InterlockedExchangePointer(self.CurrentRequest, NULL):
            InterlockedIncrement(self.request.completed)


scenario = Scenario(
    start=ScannerDriver.StartIo,
    concurrently=[ScannerDriver.Cancel],
    processors=[1, 2],
    expect={1: Holds(states=688), 2: Holds(states=732)},
)
