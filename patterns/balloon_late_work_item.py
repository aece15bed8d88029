"""virtio-win balloon: the queues are deleted while a work item that uses them is still queued.

The host asks for memory statistics; the DPC cannot collect them and leaves that to StatWorkItem, at
PASSIVE_LEVEL. When the device leaves D0, the framework has the interrupt disabled, waits for DPCs
and disconnects before it calls BalloonEvtDeviceD0Exit.

Bug: that callback deleted the virtqueues (BalloonTerm) at once. The work item was waited for later,
when the device was removed. A work item queued by the last DPC puts its statistics into a queue
that is gone. Waiting for DPCs waits for nothing that a DPC has handed on.

Source: virtio-win/kvm-guest-drivers-windows: commit 1c775f2d and pull request 66, "balloon: fix
crash on balloon stop/unload".

WdfWorkItemFlush is an event here that is cleared when the item is queued and set when it is done.
In the trace look at the work item that starts after ExFreePool. It takes no second processor: a
work item is a thread's matter.
"""

from dirql.model.wdk import *


class VirtioBalloon(Device):
    """The balloon: the host asks for statistics once; the status is cleared when read."""

    driver_ok = Bit(0)
    interrupts = Bit(0)
    asked = Bit(0)
    isr_status = Bit(0)

    def line(self):
        return self.isr_status and self.interrupts

    @hardware
    def host_asks_for_statistics(self):
        if self.driver_ok and not self.asked:
            self.asked = 1
            self.isr_status = 1

    def read_isr_status(self):
        status = self.isr_status
        self.isr_status = 0
        return status


class StatVirtQueue(Structure):
    filled = Bit(0)


class Balloon(Driver):
    balloon = VirtioBalloon(Line(irql=6, mode=LevelSensitive))
    PhysicalDevice = DEVICE_OBJECT()
    m_Interrupt = PKINTERRUPT()
    m_Dpc = KDPC()
    StatWorkItem = IO_WORKITEM()
    StatWorkItemDone = KEVENT(NotificationEvent, TRUE)
    StatVq = StatVirtQueue()

    def EnterD0(self):
        """The framework connects, then has the driver enable its interrupt."""
        KeInitializeDpc(self.m_Dpc, self.BalloonInterruptDpc)
        parameters = IO_CONNECT_INTERRUPT_PARAMETERS()
        parameters.Version = CONNECT_FULLY_SPECIFIED
        parameters.FullySpecified.PhysicalDeviceObject = self.PhysicalDevice
        parameters.FullySpecified.InterruptObject = self.m_Interrupt
        parameters.FullySpecified.ServiceRoutine = self.BalloonInterruptIsr
        status = IoConnectInterruptEx(parameters)
        if not NT_SUCCESS(status):
            return status
        KeSynchronizeExecution(self.m_Interrupt, self.BalloonInterruptEnable)
        self.balloon.driver_ok = 1
        return STATUS_SUCCESS

    def BalloonInterruptEnable(self, Context):
        self.balloon.interrupts = 1
        return TRUE

    def BalloonInterruptDisable(self, Context):
        self.balloon.interrupts = 0
        return TRUE

    def BalloonInterruptIsr(self, Interrupt, ServiceContext):
        if not self.balloon.read_isr_status():
            return FALSE
        KeInsertQueueDpc(self.m_Dpc)
        return TRUE

    def BalloonInterruptDpc(self, Dpc, DeferredContext):
        KeClearEvent(self.StatWorkItemDone)
        IoQueueWorkItem(self.StatWorkItem, self.StatWorkItemWorker)

    def StatWorkItemWorker(self, DeviceObject, Context):
        self.StatVq.filled = 1
        KeSetEvent(self.StatWorkItemDone)

    def WdfWorkItemFlush(self):
        KeWaitForSingleObject(self.StatWorkItemDone)

    def LeaveD0(self):
        """The framework's order; the driver's part is D0Exit."""
        KeSynchronizeExecution(self.m_Interrupt, self.BalloonInterruptDisable)
        KeFlushQueuedDpcs()
        parameters = IO_DISCONNECT_INTERRUPT_PARAMETERS()
        parameters.Version = CONNECT_FULLY_SPECIFIED
        parameters.ConnectionContext.InterruptObject = self.m_Interrupt
        IoDisconnectInterruptEx(parameters)
        self.BalloonEvtDeviceD0Exit()

    def BalloonEvtDeviceD0Exit(self):
        self.BalloonTerm()

    def BalloonTerm(self):
        ExFreePool(self.StatVq)

    def RemoveDevice(self):
        self.WdfWorkItemFlush()


scenario = Scenario(
    start=Balloon.EnterD0,
    concurrently=[Balloon.LeaveD0],
    finally_=Balloon.RemoveDevice,
    processors=[1, 2],
    expect={
        1: Violated("use-after-free", steps=34, states=415),
        2: Violated("use-after-free", steps=34, states=1469),
    },
)
