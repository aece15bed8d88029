"""virtio-win balloon: the pointer to the work item is cleared when the device leaves D0.

The work item is made once, when the device is added. The DPC queues it through a pointer, and the
way out of D0 waits for it.

Bug: the way out of D0 also sets the pointer to NULL, as if the device were gone for good. The
device comes back, after sleep or because processors were added, and the first interrupt after that
queues NULL.

Source: virtio-win/kvm-guest-drivers-windows, Balloon, commit 7b4c78b2.

In the trace the driver enters D0 a second time.
"""

from dirql.model.wdk import *


class VirtioBalloon(Device):
    """Is asked for statistics by the host; reading the status acknowledges."""

    enabled = Bit(0)
    asked = Bit(0)

    def line(self):
        return self.asked and self.enabled

    @hardware
    def host_asks(self):
        self.asked = 1

    def read_isr_status(self):
        status = self.asked and self.enabled
        if status:
            self.asked = 0
        return status


class Balloon(Driver):
    balloon = VirtioBalloon(Line(irql=6, mode=LevelSensitive))
    Interrupt = PKINTERRUPT()
    Dpc = KDPC()
    Item = IO_WORKITEM()
    Idle = KEVENT(NotificationEvent, TRUE)
    Busy = Bit(0)
    StatWorkItem = Reference(IO_WORKITEM)

    def Start(self):
        self.StatWorkItem = self.Item
        KeInitializeDpc(self.Dpc, self.InterruptDpc)
        return self.EnterD0()

    def EnterD0(self):
        # Only the first processor is interrupted, as a legacy controller routes its lines.
        status = IoConnectInterrupt(self.Interrupt, self.Isr, ProcessorEnableMask=1)
        if not NT_SUCCESS(status):
            return status
        self.balloon.enabled = 1
        return STATUS_SUCCESS

    def Isr(self, Interrupt, ServiceContext):
        if not self.balloon.read_isr_status():
            return FALSE
        KeInsertQueueDpc(self.Dpc)
        return TRUE

    def InterruptDpc(self, Dpc, DeferredContext):
        if not InterlockedExchange(self.Busy, 1):
            KeClearEvent(self.Idle)
            IoQueueWorkItem(self.StatWorkItem, self.ReportStatistics)

    def ReportStatistics(self, DeviceObject, Context):
        KeSetEvent(self.Idle)
        InterlockedExchange(self.Busy, 0)

    def Disable(self, SynchronizeContext):
        self.balloon.enabled = 0
        return TRUE

    def LeaveD0(self):
        KeSynchronizeExecution(self.Interrupt, self.Disable)
        IoDisconnectInterrupt(self.Interrupt)
        KeFlushQueuedDpcs()
        KeWaitForSingleObject(self.Idle)
        self.StatWorkItem = NULL

    def SleepAndWake(self):
        self.LeaveD0()
        return self.EnterD0()


scenario = Scenario(
    start=Balloon.Start,
    concurrently=[Balloon.SleepAndWake],
    processors=[1, 2],
    expect={
        1: Violated("null-dereference", steps=33, states=1232),
        2: Violated("null-dereference", steps=33, states=2967),
    },
)
