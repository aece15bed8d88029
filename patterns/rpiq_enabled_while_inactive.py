"""Raspberry Pi mailbox driver: its DPC enables an interrupt that nobody serves any more.

rpiq passes messages to the firmware. Its service routine turns the mailbox's interrupt off and
queues RpiqMailboxDpc, which reads what has come and turns the interrupt on again, under the
interrupt lock and without a question. On ARM the framework does not disconnect an interrupt at
power-down; it reports it inactive (ReportInactiveOnPowerDown), which keeps the registration and
stops the calls.

Bug: the interrupt is disabled for power-down while a DPC is queued. The framework waits for that
DPC, which enables the interrupt, and reports it inactive. A message now holds the line, and no
service routine is called for it: on a shared line a storm. It is pcidrv_kmdf_late_enable.py once
more: to report inactive is as final as to disconnect.

Source: raspberrypi/windows-drivers: the rpiq driver, interrupt.c (RpiqMailboxIsr, RpiqMailboxDpc);
Windows-Driver-Frameworks, src/framework/shared/irphandlers/pnp/interruptobject.cpp (Connect,
Disconnect).

RpiqDisableInterrupts stands here where the framework calls EvtInterruptDisable, and runs under the
interrupt lock; the real one changes the register without a lock. In the trace look at the write of
Config in the DPC, during "KeFlushQueuedDpcs".
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

    def RpiqMailboxIsr(self, Interrupt, ServiceContext):
        if not self.Mailbox.irq_enabled or not self.Mailbox.data_available:
            return FALSE
        self.Mailbox.irq_enabled = 0
        KeInsertQueueDpc(self.m_Dpc)
        return TRUE

    def RpiqMailboxDpc(self, Dpc, Context):
        self.Mailbox.data_available = 0
        OldIrql = KeAcquireInterruptSpinLock(self.MailboxIntObj)
        self.Mailbox.irq_enabled = 1
        KeReleaseInterruptSpinLock(self.MailboxIntObj, OldIrql)

    def RpiqEnableInterrupts(self, Context):
        self.Mailbox.irq_enabled = 1
        return TRUE

    def RpiqDisableInterrupts(self, Context):
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
    expect={
        1: Holds(states=321),
        2: Violated("device-unmasked-at-disconnect", steps=36, states=1815),
    },
)
