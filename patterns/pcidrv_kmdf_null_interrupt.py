"""pcidrv, KMDF (K3): WdfInterruptSynchronize finds that the framework's interrupt object is NULL.

The framework waits for queued DPCs before it sets m_Interrupt to NULL and disconnects, which is
right as long as no service routine can queue another DPC in between. A driver whose
EvtInterruptDisable really masks its device grants that. This one does not in two cases.

Leaving D0: the late enable (`pcidrv_kmdf_late_enable.py`) lets the service routine claim one more
interrupt after the flush. Its DPC ends in WdfInterruptSynchronize, which only asserts that the
pointer is not NULL, and in a free build not even that.

Surprise removal: the framework's source does not call EvtInterruptDisable then, for the card is
gone (the documentation lists the call all the same). A service routine that had already been called
queues its DPC after the flush.

Source: Windows-driver-samples general/pcidrv/kmdf, HW/isrdpc.c; Windows-Driver-Frameworks,
src/framework/shared/irphandlers/pnp/interruptobject.cpp and km/interruptobjectkm.cpp.

FxInterruptThunk is the framework's own service routine, which drops what comes when the pointer is
NULL. Test and store are plain accesses to an aligned pointer; volatile says so here. The registers
of a card that is gone read as all ones, so it looks masked. Leaving D0 is asked only about the dead
object: the shorter failure on the way there has its own file. In the traces, look for the DPC that
is queued after "KeFlushQueuedDpcs waits".
"""

from dirql.model.wdk import *

DIRQL = 7


class E100(Device):
    """The card: a level line, one cause bit, one mask bit, and whether it is there at all."""

    present = Bit(1)
    cause = Bit(0)
    masked = Bit(1)

    def line(self):
        return self.present and self.cause and not self.masked

    def vanishes(self):
        self.present = 0
        self.masked = 1

    @hardware
    def packet_arrives(self):
        self.cause = 1


class Pcidrv(Driver):
    nic = E100(Line(irql=DIRQL, mode=LevelSensitive))
    PhysicalDevice = DEVICE_OBJECT()
    m_Interrupt = PKINTERRUPT(volatile=True)
    m_Dpc = KDPC()
    m_BuiltInSpinLock = KSPIN_LOCK()

    def NICEvtInterruptIsr(self):
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

    def FxInterruptThunk(self, Interrupt, ServiceContext):
        if not self.m_Interrupt:
            return FALSE
        return self.NICEvtInterruptIsr()

    def FxInterruptConnect(self):
        KeInitializeDpc(self.m_Dpc, self.NICEvtInterruptDpc)
        KeInitializeSpinLock(self.m_BuiltInSpinLock)
        # Vector and ProcessorEnableMask are left as the resource says.
        parameters = IO_CONNECT_INTERRUPT_PARAMETERS()
        parameters.Version = CONNECT_FULLY_SPECIFIED_GROUP
        parameters.FullySpecified.PhysicalDeviceObject = self.PhysicalDevice
        parameters.FullySpecified.InterruptObject = self.m_Interrupt
        parameters.FullySpecified.ServiceRoutine = self.FxInterruptThunk
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
        KeFlushQueuedDpcs()
        interruptObject = self.m_Interrupt
        self.m_Interrupt = NULL
        parameters = IO_DISCONNECT_INTERRUPT_PARAMETERS()
        parameters.Version = CONNECT_FULLY_SPECIFIED_GROUP
        parameters.ConnectionContext.InterruptObject = interruptObject
        IoDisconnectInterruptEx(parameters)

    def LeaveD0(self):
        self.WdfInterruptSynchronize(self.NICEvtInterruptDisable)
        self.FxInterruptDisconnect()

    def SurpriseRemoval(self):
        self.nic.vanishes()
        self.FxInterruptDisconnect()


scenarios = [
    Scenario(
        name="leave-d0",
        start=Pcidrv.FxInterruptConnect,
        concurrently=[Pcidrv.LeaveD0],
        processors=[1, 2],
        properties=["synchronize-on-dead-interrupt"],
        expect={
            1: Holds(states=286),
            2: Violated("synchronize-on-dead-interrupt", steps=50, states=2844),
        },
    ),
    Scenario(
        name="surprise-removal",
        start=Pcidrv.FxInterruptConnect,
        concurrently=[Pcidrv.SurpriseRemoval],
        processors=[1, 2],
        expect={
            1: Holds(states=191),
            2: Violated("synchronize-on-dead-interrupt", steps=28, states=1481),
        },
    ),
]
