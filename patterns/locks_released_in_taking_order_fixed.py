"""A storage adapter, fixed: the lock taken last is released first.

The twin of locks_released_in_taking_order.py.

Source: "Preventing Errors and Deadlocks While Using Spin Locks".
"""

from dirql.model.wdk import *


class Adapter(Device):
    """Finishes requests; reading the status acknowledges."""

    enabled = Bit(0)
    finished = Bit(0)

    def line(self):
        return self.finished and self.enabled

    @hardware
    def request_finishes(self):
        self.finished = 1

    def acknowledge(self):
        had_finished = self.finished
        self.finished = 0
        return had_finished


class AdapterDriver(Driver):
    adapter = Adapter(Line(irql=6, mode=LevelSensitive))
    Self = DEVICE_OBJECT()
    Interrupt = PKINTERRUPT()
    DeviceLock = KSPIN_LOCK()
    CompletionLock = KSPIN_LOCK()
    AtDevice = Int(0, 1, initial=1)
    Completed = Int(0, 1)

    def Start(self):
        IoInitializeDpcRequest(self.Self, self.DpcForIsr)
        # Only the first processor is interrupted, as a legacy controller routes its lines.
        status = IoConnectInterrupt(self.Interrupt, self.Isr, ProcessorEnableMask=1)
        if not NT_SUCCESS(status):
            return status
        self.adapter.enabled = 1
        return STATUS_SUCCESS

    def Isr(self, Interrupt, ServiceContext):
        if not self.adapter.acknowledge():
            return FALSE
        IoRequestDpc(self.Self)
        return TRUE

    def DpcForIsr(self, Dpc, DeviceObject, Irp, Context):
        KeAcquireSpinLockAtDpcLevel(self.DeviceLock)
        KeAcquireSpinLockAtDpcLevel(self.CompletionLock)
        if self.AtDevice:
            self.AtDevice = 0
            self.Completed = 1
        KeReleaseSpinLockFromDpcLevel(self.CompletionLock)
        KeReleaseSpinLockFromDpcLevel(self.DeviceLock)


scenario = Scenario(
    start=AdapterDriver.Start,
    processors=[1, 2],
    expect={1: Holds(states=1210), 2: Holds(states=1210)},
)
