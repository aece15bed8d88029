"""AMCC5933: a second DPC completes the request that the first one has just completed.

The service routine of this sample for a PCI bridge queues the DPC if there is a request under way.
The DPC, one at a time under the device's lock, ends the transfer, sets CurrentRequest to NULL and
completes the request.

Bug: an interrupt that comes before the DPC has cleared CurrentRequest queues the DPC once more,
which is allowed, for it is running and not queued. When its turn comes there is no request any
more, and it does not ask. The lock makes the two DPCs follow each other; what the second one finds
when it has got the lock is its own affair.

Source: AMCC5933, the PCI bridge sample of the Windows driver samples (KMDF). It takes an interrupt
more than there are requests: a line that is shared, a bridge that reports the end of a transfer
twice.

In the trace look at the second interrupt, while the first DPC is running, and at the read of
CurrentRequest in the second DPC. One processor is enough.
"""

from dirql.model.wdk import *


class Amcc5933(Device):
    """The bridge: it reports the end of a transfer, and a target abort, by one interrupt each."""

    enabled = Bit(0)
    cause = Bit(0)
    reports = Int(0, 2)

    def line(self):
        return self.cause and self.enabled

    @hardware
    def reports_something(self):
        if self.reports < 2:
            self.reports += 1
            self.cause = 1

    def read_and_clear(self):
        cause = self.cause
        self.cause = 0
        return cause


class Request(Structure):
    completed = Bit(0)


class AmccDriver(Driver):
    bridge = Amcc5933(Line(irql=6, mode=LevelSensitive))
    PhysicalDevice = DEVICE_OBJECT()
    Interrupt = PKINTERRUPT()
    Dpc = KDPC()
    DeviceLock = KSPIN_LOCK()
    request = Request()
    CurrentRequest = Reference(Request, volatile=True)

    def EnterD0(self):
        KeInitializeDpc(self.Dpc, self.AmccPciEvtInterruptDpc)
        self.CurrentRequest = self.request
        parameters = IO_CONNECT_INTERRUPT_PARAMETERS()
        parameters.Version = CONNECT_FULLY_SPECIFIED
        parameters.FullySpecified.PhysicalDeviceObject = self.PhysicalDevice
        parameters.FullySpecified.InterruptObject = self.Interrupt
        parameters.FullySpecified.ServiceRoutine = self.AmccPciEvtInterruptIsr
        status = IoConnectInterruptEx(parameters)
        if not NT_SUCCESS(status):
            return status
        self.bridge.enabled = 1
        return STATUS_SUCCESS

    def AmccPciEvtInterruptIsr(self, Interrupt, ServiceContext):
        if not self.bridge.read_and_clear():
            return FALSE
        if self.CurrentRequest:
            KeInsertQueueDpc(self.Dpc)
        return TRUE

    def AmccPciEvtInterruptDpc(self, Dpc, Context):
        KeAcquireSpinLockAtDpcLevel(self.DeviceLock)
        request = self.CurrentRequest
        self.CurrentRequest = NULL
        request.completed = 1
        KeReleaseSpinLockFromDpcLevel(self.DeviceLock)


scenario = Scenario(
    start=AmccDriver.EnterD0,
    processors=[1, 2],
    expect={
        1: Violated("null-dereference", steps=30, states=659),
        2: Violated("null-dereference", steps=30, states=2699),
    },
)
