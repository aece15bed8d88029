"""A disk driver, fixed: the routine of the work item frees it.

The twin of work_item_freed_by_its_queuer.py. When the routine starts, the item is out of the queue,
and the routine may free it.

Source: IoFreeWorkItem, remarks.
"""

from dirql.model.wdk import *


class Disk(Device):
    """Reports an error; reading the status acknowledges."""

    enabled = Bit(0)
    error = Bit(0)

    def line(self):
        return self.error and self.enabled

    @hardware
    def bad_sector(self):
        self.error = 1

    def acknowledge(self):
        had_error = self.error
        self.error = 0
        return had_error


class DiskDriver(Driver):
    disk = Disk(Line(irql=5, mode=LevelSensitive))
    Self = DEVICE_OBJECT()
    Interrupt = PKINTERRUPT()
    LogItem = IO_WORKITEM()
    LogUsed = Bit(0)

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
        """Only the first error is logged."""
        if not InterlockedExchange(self.LogUsed, 1):
            IoQueueWorkItem(self.LogItem, self.WriteLog)

    def WriteLog(self, DeviceObject, Context):
        """The write itself is not modelled."""
        IoFreeWorkItem(self.LogItem)


scenario = Scenario(
    start=DiskDriver.Start,
    processors=[1, 2],
    expect={1: Holds(states=910), 2: Holds(states=910)},
)
