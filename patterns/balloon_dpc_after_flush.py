"""virtio-win balloon: a DPC that comes after the framework's wait queues one more work item.

BalloonEvtDeviceD0Exit waits for the statistics work item and then deletes the queues
(balloon_late_work_item.py has the story before that). Once the DPC also tested a flag, under a
lock, so that it would queue nothing after that wait. The flag was taken out again, on the ground
that the framework waits for DPCs before it calls D0Exit.

Bug: the framework has the interrupt disabled, waits for DPCs, and disconnects, in this order. A
service routine that was called before the disable may be spinning for the interrupt lock all the
while. It gets the lock after the disable, reads an ISR status that is still set, claims, and queues
a DPC after the wait. The disconnect waits for the service routine, and nobody waits for its DPC.

Source: virtio-win/kvm-guest-drivers-windows: pull requests 69 (the flag) and 146 (without it);
Windows-Driver-Frameworks, src/framework/shared/irphandlers/pnp/interruptobject.cpp (Disconnect).

The descriptions of the two pull requests disagree whether the race exists; the model says it does,
on two processors, for a line interrupt whose service routine does not look at the mask. In the
trace look at the interrupt that is accepted before the disable and gets its lock after it.
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
    expect={1: Holds(states=423), 2: Violated("use-after-free", steps=35, states=1513)},
)
