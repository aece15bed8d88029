"""virtio-win balloon, fixed: the work item is waited for, and no DPC queues another one.

The twin of balloon_late_work_item.py. Two changes, and both are needed. BalloonEvtDeviceD0Exit
flushes the work item before it deletes the queues. And it first clears bDeviceInD0, under the lock
under which the DPC tests the flag and queues the item, so that nothing is queued after the flush.

The second looks superfluous, for the framework waits for DPCs before it calls the driver. It does
so before it disconnects, however: balloon_dpc_after_flush.py is this file without the flag.

Source: virtio-win/kvm-guest-drivers-windows: commit 1c775f2d and pull requests 66 (the flush) and
69 (the flag).
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
    D0Lock = KSPIN_LOCK()
    bDeviceInD0 = Bit(0)

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
        KeAcquireSpinLock(self.D0Lock, OldIrql)
        self.bDeviceInD0 = 1
        KeReleaseSpinLock(self.D0Lock, OldIrql)
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
        KeAcquireSpinLockAtDpcLevel(self.D0Lock)
        if self.bDeviceInD0:
            KeClearEvent(self.StatWorkItemDone)
            IoQueueWorkItem(self.StatWorkItem, self.StatWorkItemWorker)
        KeReleaseSpinLockFromDpcLevel(self.D0Lock)

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
        KeAcquireSpinLock(self.D0Lock, OldIrql)
        self.bDeviceInD0 = 0
        KeReleaseSpinLock(self.D0Lock, OldIrql)
        self.WdfWorkItemFlush()
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
    expect={1: Holds(states=583), 2: Holds(states=3010)},
)
