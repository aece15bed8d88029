"""Raspberry Pi mailbox driver, fixed: the DPC enables the interrupt only while that is wanted.

The twin of rpiq_enabled_while_inactive.py. Enable and disable record what the framework wants,
under the interrupt lock, and the DPC, under the same lock, turns the interrupt on only if it is
wanted. So after the disable nothing turns it on until the framework has reported the interrupt
active again and enables it.

The pattern goes through a whole power cycle: a message that comes while the interrupt is inactive
waits in the mailbox, and holds the line as soon as it is enabled.

Source of the faulty DPC: raspberrypi/windows-drivers: the rpiq driver, interrupt.c.
"""

from dirql.model.wdk import *


class Mailbox(Device):
    """The mailbox: not empty, and whether that may interrupt (a bit of the Config register)."""

    data_available = Bit(0)
    irq_enabled = Bit(0)

    def line(self):
        return self.data_available and self.irq_enabled

    @hardware
    def firmware_answers(self):
        self.data_available = 1


class Rpiq(Driver):
    Mailbox = Mailbox(Line(irql=5, mode=LevelSensitive))
    PhysicalDevice = DEVICE_OBJECT()
    MailboxIntObj = PKINTERRUPT()
    m_Dpc = KDPC()
    InterruptWanted = Bit(0)

    def RpiqMailboxIsr(self, Interrupt, ServiceContext):
        if not self.Mailbox.irq_enabled or not self.Mailbox.data_available:
            return FALSE
        self.Mailbox.irq_enabled = 0
        KeInsertQueueDpc(self.m_Dpc)
        return TRUE

    def RpiqMailboxDpc(self, Dpc, Context):
        self.Mailbox.data_available = 0
        OldIrql = KeAcquireInterruptSpinLock(self.MailboxIntObj)
        if self.InterruptWanted:
            self.Mailbox.irq_enabled = 1
        KeReleaseInterruptSpinLock(self.MailboxIntObj, OldIrql)

    def RpiqEnableInterrupts(self, Context):
        self.InterruptWanted = 1
        self.Mailbox.irq_enabled = 1
        return TRUE

    def RpiqDisableInterrupts(self, Context):
        self.InterruptWanted = 0
        self.Mailbox.irq_enabled = 0
        return TRUE

    def FxInterruptConnect(self):
        KeInitializeDpc(self.m_Dpc, self.RpiqMailboxDpc)
        parameters = IO_CONNECT_INTERRUPT_PARAMETERS()
        parameters.Version = CONNECT_FULLY_SPECIFIED
        parameters.FullySpecified.PhysicalDeviceObject = self.PhysicalDevice
        parameters.FullySpecified.InterruptObject = self.MailboxIntObj
        parameters.FullySpecified.ServiceRoutine = self.RpiqMailboxIsr
        status = IoConnectInterruptEx(parameters)
        if NT_SUCCESS(status):
            KeSynchronizeExecution(self.MailboxIntObj, self.RpiqEnableInterrupts)
        return status

    def LeaveD0(self):
        KeSynchronizeExecution(self.MailboxIntObj, self.RpiqDisableInterrupts)
        KeFlushQueuedDpcs()
        parameters = IO_REPORT_INTERRUPT_ACTIVE_STATE_PARAMETERS()
        parameters.Version = CONNECT_FULLY_SPECIFIED
        parameters.ConnectionContext.InterruptObject = self.MailboxIntObj
        IoReportInterruptInactive(parameters)

    def EnterD0(self):
        parameters = IO_REPORT_INTERRUPT_ACTIVE_STATE_PARAMETERS()
        parameters.Version = CONNECT_FULLY_SPECIFIED
        parameters.ConnectionContext.InterruptObject = self.MailboxIntObj
        IoReportInterruptActive(parameters)
        KeSynchronizeExecution(self.MailboxIntObj, self.RpiqEnableInterrupts)

    def PowerCycle(self):
        self.LeaveD0()
        self.EnterD0()


scenario = Scenario(
    start=Rpiq.FxInterruptConnect,
    concurrently=[Rpiq.PowerCycle],
    processors=[1, 2],
    expect={1: Holds(states=333), 2: Holds(states=1914)},
)
