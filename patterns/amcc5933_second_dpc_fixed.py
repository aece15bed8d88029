"""AMCC5933, fixed: a DPC that finds no request has nothing to do.

The twin of amcc5933_second_dpc.py. The DPC takes the request out of CurrentRequest under the
device's lock and looks at what it got. Exactly one DPC gets it; every other one, however it came to
be queued, goes home.

Source of the faulty DPC: AMCC5933, the PCI bridge sample of the Windows driver samples (KMDF).
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
        if request:
            request.completed = 1
        KeReleaseSpinLockFromDpcLevel(self.DeviceLock)


scenario = Scenario(
    start=AmccDriver.EnterD0,
    processors=[1, 2],
    expect={1: Holds(states=675), 2: Holds(states=2771)},
)
