"""A disk driver: the DPC that queues a work item frees it at once.

An error is written to the event log, which can be done at PASSIVE_LEVEL only. The DPC takes a work
item, queues it, and frees it: it is not needed any more.

Bug: queuing only links the item into a list. It is needed until its routine has started.

Source: IoFreeWorkItem, remarks; IoQueueWorkItem.

In the trace look at the two calls of the DPC.
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
            IoFreeWorkItem(self.LogItem)

    def WriteLog(self, DeviceObject, Context):
        """The write itself is not modelled."""


scenario = Scenario(
    start=DiskDriver.Start,
    processors=[1, 2],
    expect={
        1: Violated("free-while-queued", steps=13, states=117),
        2: Violated("free-while-queued", steps=13, states=118),
    },
)
