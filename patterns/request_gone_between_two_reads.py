"""A scanner: the DPC tests the pointer to the current request and then reads it again.

The pointer is in the device extension: StartIo sets it, the DPC completes the request and clears
it, and a cancel routine clears it too. All accesses are single and the author said so to the
compiler, with ReadNoFence and WriteNoFence.

Bug: single is not together. Between the DPC's test and its second read, the cancel routine on
another processor clears the pointer. On one processor the DPC cannot be interrupted by a thread.

Source: "Managing Hardware Priorities"; ReadNoFence. A relative of the bug of virtio-win's viorng
driver (cancel_versus_dpc.py), where the request is lost instead.

In the trace look at the two reads of CurrentRequest.
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
        if ReadNoFence(self.CurrentRequest):
            request = ReadNoFence(self.CurrentRequest)
            WriteNoFence(self.CurrentRequest, NULL)
            InterlockedIncrement(request.completed)

    def Cancel(self):
        if InterlockedExchangePointer(self.CurrentRequest, NULL):
            InterlockedIncrement(self.request.completed)


scenario = Scenario(
    start=ScannerDriver.StartIo,
    concurrently=[ScannerDriver.Cancel],
    processors=[1, 2],
    expect={1: Holds(states=888), 2: Violated("null-dereference", steps=18, states=410)},
)
