"""A disk driver: the device object is deleted while a work item in its extension is queued.

After an error the DPC queues a work item that resets the controller. Remove disconnects, waits for
DPCs, releases the work item and deletes the device object.

Bug: nobody waits for the work item. A DPC that was flushed may have queued it a moment ago.

Source: IoUninitializeWorkItem; IoDeleteDevice; "System Worker Threads": the driver makes sure that
no work item is outstanding before it goes away.

In the trace look at the work item between the DPC and Remove.
"""

from dirql.model.wdk import *


class Disk(Device):
    """Reports an error; reading the status acknowledges."""

    enabled = Bit(0)
    error = Bit(0)

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

    def Start(self):
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
            IoQueueWorkItemEx(self.ResetItem, self.ResetController, DelayedWorkQueue)

    def ResetController(self, IoObject, Context, IoWorkItem):
        KeSetEvent(self.ResetDone)

    def Remove(self):
        if self.Interrupt:
            self.disk.enabled = 0
            IoDisconnectInterrupt(self.Interrupt)
            self.Interrupt = NULL
            KeFlushQueuedDpcs()
        IoUninitializeWorkItem(self.ResetItem)
        IoDeleteDevice(self.Self)


scenario = Scenario(
    start=DiskDriver.Start,
    finally_=DiskDriver.Remove,
    processors=[1, 2],
    expect={
        1: Violated("free-while-queued", steps=23, states=1055),
        2: Violated("free-while-queued", steps=23, states=1250),
    },
)
