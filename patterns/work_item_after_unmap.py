"""A disk driver: a queued work item keeps the device object, and nothing else.

After an error the DPC queues a work item that resets the controller. Remove disconnects, waits for
DPCs, unmaps the registers and deletes the device object. It does not wait for the work item: the
I/O manager holds a reference to the device object until the routine has returned.

Bug: that is so, and the device extension is there when the routine runs. The registers are not:
Remove has unmapped them.

Source: IoQueueWorkItem, remarks (the reference); IoDeleteDevice, remarks (deletion is deferred);
"Releasing Driver-Allocated Resources" (wait for work items first).

In the trace the work item is queued when Remove begins, and starts after it.
"""

from dirql.model.wdk import *


class Disk(Device):
    """Reports an error; reading the status acknowledges."""

    enabled = Bit(0)
    error = Bit(0)
    in_reset = Bit(0)

    def line(self):
        return self.error and self.enabled

    @hardware
    def controller_fails(self):
        self.error = 1

    def acknowledge(self):
        had_error = self.error
        self.error = 0
        return had_error


class DiskDriver(Driver):
    disk = Disk(Line(irql=5, mode=LevelSensitive))
    Self = DEVICE_OBJECT()
    Interrupt = PKINTERRUPT()
    ResetItem = IO_WORKITEM()
    ResetQueued = Bit(0)
    ResetDone = KEVENT(NotificationEvent, FALSE)
    Resets = Bit(0)

    def Start(self):
        MmMapIoSpace(self.disk)
        IoInitializeDpcRequest(self.Self, self.DpcForIsr)
        # Only the first processor is interrupted, as a legacy controller routes its lines.
        status = IoConnectInterrupt(self.Interrupt, self.Isr, ProcessorEnableMask=1)
        if not NT_SUCCESS(status):
            return status
        self.disk.enabled = 1
        return STATUS_SUCCESS

    def Isr(self, Interrupt, ServiceContext):
        if not self.disk.acknowledge():
            return FALSE
        IoRequestDpc(self.Self)
        return TRUE

    def DpcForIsr(self, Dpc, DeviceObject, Irp, Context):
        """The controller is reset once; after that the driver gives up."""
        if not InterlockedExchange(self.ResetQueued, 1):
            IoQueueWorkItem(self.ResetItem, self.ResetController, DelayedWorkQueue)

    def ResetController(self, IoObject, Context):
        self.disk.in_reset = 1
        self.disk.in_reset = 0
        KeSetEvent(self.ResetDone)
        self.Resets = 1

    def Remove(self):
        if self.Interrupt:
            self.disk.enabled = 0
            IoDisconnectInterrupt(self.Interrupt)
            self.Interrupt = NULL
            KeFlushQueuedDpcs()
        MmUnmapIoSpace(self.disk)
        IoDeleteDevice(self.Self)


scenario = Scenario(
    start=DiskDriver.Start,
    finally_=DiskDriver.Remove,
    processors=[1, 2],
    expect={
        1: Violated("use-after-unmap", steps=26, states=1592),
        2: Violated("use-after-unmap", steps=26, states=1887),
    },
)
