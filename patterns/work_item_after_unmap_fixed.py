"""A disk driver, fixed: Remove waits until the work item has left the registers alone.

The twin of work_item_after_unmap.py. What Remove waits for is the last access to the registers, not
the end of the routine. The routine notes the reset in the device extension after that, which may be
after IoDeleteDevice: the device object is deleted when the routine has returned.

Source: IoQueueWorkItem, remarks; IoDeleteDevice, remarks.
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
        if self.ResetQueued:
            KeWaitForSingleObject(self.ResetDone)
        MmUnmapIoSpace(self.disk)
        IoDeleteDevice(self.Self)


scenario = Scenario(
    start=DiskDriver.Start,
    finally_=DiskDriver.Remove,
    processors=[1, 2],
    expect={
        1: Holds(states=3554),
        2: Holds(states=5158),
    },
)
