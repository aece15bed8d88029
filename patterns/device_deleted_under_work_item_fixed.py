"""A disk driver, fixed: Remove waits until the routine of the work item has done its work.

The twin of device_deleted_under_work_item.py. Once the DPCs are flushed, ResetQueued is final: if
it is set, the item was queued, and its routine will set the event, as the last thing it does.

Source: "System Worker Threads"; IoDeleteDevice.
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
            if self.ResetQueued:
                KeWaitForSingleObject(self.ResetDone)
        IoUninitializeWorkItem(self.ResetItem)
        IoDeleteDevice(self.Self)


scenario = Scenario(
    start=DiskDriver.Start,
    finally_=DiskDriver.Remove,
    processors=[1, 2],
    expect={1: Holds(states=2302), 2: Holds(states=3342)},
)
