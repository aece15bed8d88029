"""pcidrv, KMDF (K1): the DPC enables the interrupt that the framework has just had disabled.

The framework version of pcidrv only supplies callbacks. When the device leaves D0 the framework
calls EvtInterruptDisable under the interrupt lock, waits for queued DPCs and disconnects: a good
order. But NICEvtInterruptDpc ends, as in the WDM version, by enabling the interrupt whatever
happened since it was queued. The flush waits for just that DPC, and then the framework disconnects
the interrupt of a card that is unmasked. A packet that comes while it does so is served once more,
and its DPC runs when the interrupt object is gone.

Source: Windows-driver-samples general/pcidrv/kmdf, HW/isrdpc.c; the order of the framework is that
of Windows-Driver-Frameworks, src/framework/shared/irphandlers/pnp/interruptobject.cpp.

FxInterruptConnect and FxInterruptDisconnect stand for the framework, reduced to what a driver
sees; WdfInterruptSynchronize is KeSynchronizeExecution on the framework's interrupt object. In the
trace, look at who writes nic.masked: the disable callback (1), then the DPC (0), between the
snapshot of the flush and its end. The second packet comes between the flush and the end of the
disconnect.
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
        self.nic.masked = 0
        return TRUE

    def NICEvtInterruptEnable(self, Context):
        self.nic.masked = 0
        return TRUE

    def NICEvtInterruptDisable(self, Context):
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
    expect={
        1: Holds(states=242),
        2: Violated("synchronize-on-dead-interrupt", steps=49, states=2460),
        3: Violated("synchronize-on-dead-interrupt", steps=49, states=6121),
    },
)
