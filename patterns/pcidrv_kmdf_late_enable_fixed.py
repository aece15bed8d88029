"""pcidrv, KMDF (K1), repaired: the DPC asks whether the interrupt is still meant to be enabled.

EvtInterruptEnable and EvtInterruptDisable record what the framework wants, in the same critical
section in which they unmask and mask the card; both are called with the interrupt lock held. The
routine by which the DPC enables the interrupt again runs under that lock too, and does so only if
it is still wanted.

It is enough because the framework does the rest: after the disable the service routine declines
everything, the flush waits for the last DPC, and that one leaves the card masked.

Source of the faulty DPC: Windows-driver-samples general/pcidrv/kmdf, HW/isrdpc.c.
"""

from dirql.model.wdk import *

DIRQL = 7


class E100(Device):
    """The card: a level line, one cause bit, one mask bit."""

    cause = Bit(0)
    masked = Bit(1)

    def line(self):
        return self.cause and not self.masked

    @hardware
    def packet_arrives(self):
        self.cause = 1


class Pcidrv(Driver):
    nic = E100(Line(irql=DIRQL, mode=LevelSensitive))
    PhysicalDevice = DEVICE_OBJECT()
    m_Interrupt = PKINTERRUPT()
    m_Dpc = KDPC()
    m_BuiltInSpinLock = KSPIN_LOCK()
    InterruptEnabled = Bit(0)

    def NICEvtInterruptIsr(self, Interrupt, ServiceContext):
        if self.nic.masked or not self.nic.cause:
            return FALSE
        self.nic.masked = 1
        self.nic.cause = 0
        KeInsertQueueDpc(self.m_Dpc)
        return TRUE

    def NICEvtInterruptDpc(self, Dpc, Context):
        self.WdfInterruptSynchronize(self.NICEnableInterrupt)

    def NICEnableInterrupt(self, Context):
        if self.InterruptEnabled:
            self.nic.masked = 0
        return TRUE

    def NICEvtInterruptEnable(self, Context):
        self.InterruptEnabled = 1
        self.nic.masked = 0
        return TRUE

    def NICEvtInterruptDisable(self, Context):
        self.InterruptEnabled = 0
        self.nic.masked = 1
        return TRUE

    def WdfInterruptSynchronize(self, Callback):
        return KeSynchronizeExecution(self.m_Interrupt, Callback)

    def FxInterruptConnect(self):
        KeInitializeDpc(self.m_Dpc, self.NICEvtInterruptDpc)
        KeInitializeSpinLock(self.m_BuiltInSpinLock)
        # Vector and ProcessorEnableMask are left as the resource says.
        parameters = IO_CONNECT_INTERRUPT_PARAMETERS()
        parameters.Version = CONNECT_FULLY_SPECIFIED_GROUP
        parameters.FullySpecified.PhysicalDeviceObject = self.PhysicalDevice
        parameters.FullySpecified.InterruptObject = self.m_Interrupt
        parameters.FullySpecified.ServiceRoutine = self.NICEvtInterruptIsr
        parameters.FullySpecified.SpinLock = self.m_BuiltInSpinLock
        parameters.FullySpecified.FloatingSave = FALSE
        parameters.FullySpecified.Irql = DIRQL
        parameters.FullySpecified.SynchronizeIrql = DIRQL
        parameters.FullySpecified.Group = 0
        parameters.FullySpecified.InterruptMode = LevelSensitive
        parameters.FullySpecified.ShareVector = FALSE
        status = IoConnectInterruptEx(parameters)
        if NT_SUCCESS(status):
            self.WdfInterruptSynchronize(self.NICEvtInterruptEnable)
        return status

    def FxInterruptDisconnect(self):
        self.WdfInterruptSynchronize(self.NICEvtInterruptDisable)
        KeFlushQueuedDpcs()
        parameters = IO_DISCONNECT_INTERRUPT_PARAMETERS()
        parameters.Version = CONNECT_FULLY_SPECIFIED_GROUP
        parameters.ConnectionContext.InterruptObject = self.m_Interrupt
        IoDisconnectInterruptEx(parameters)


scenario = Scenario(
    start=Pcidrv.FxInterruptConnect,
    concurrently=[Pcidrv.FxInterruptDisconnect],
    processors=[1, 2, 3],
    expect={1: Holds(states=250), 2: Holds(states=1522), 3: Holds(states=4366)},
)
