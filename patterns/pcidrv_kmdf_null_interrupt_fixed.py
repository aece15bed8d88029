"""pcidrv, KMDF (K3), repaired: the driver stops its interrupt itself, before the framework does.

The framework calls EvtDeviceD0ExitPreInterruptsDisabled on every way out of D0, surprise removal
included, while the interrupt is still connected. pcidrv has that callback, and it is empty. Here it
masks the card under the interrupt lock and records that it stays so. That lock is held by a service
routine for as long as it runs, so when the callback returns, every service routine that claimed
something has queued its DPC, and none will again. The flush that follows then waits for the last
DPC there is, and that one no longer enables the interrupt.

Both ways out are asked about everything here, not only about the dead object. That the thunk may
read m_Interrupt while the framework stores NULL is left as it is: the framework relies on aligned
pointers being read and stored whole, and volatile says so.

Source of the faulty driver: Windows-driver-samples general/pcidrv/kmdf, HW/isrdpc.c; when the
callback is called: "A User Unplugs a Device" in the Windows driver documentation.
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
    InterruptsStopped = Bit(0)

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
        if not self.InterruptsStopped:
            self.nic.masked = 0
        return TRUE

    def NICEvtDeviceD0ExitPreInterruptsDisabled(self):
        self.WdfInterruptSynchronize(self.NICStopInterrupts)

    def NICStopInterrupts(self, Context):
        self.InterruptsStopped = 1
        self.nic.masked = 1
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
        self.NICEvtDeviceD0ExitPreInterruptsDisabled()
        self.WdfInterruptSynchronize(self.NICEvtInterruptDisable)
        self.FxInterruptDisconnect()

    def SurpriseRemoval(self):
        self.nic.vanishes()
        self.NICEvtDeviceD0ExitPreInterruptsDisabled()
        self.FxInterruptDisconnect()


scenarios = [
    Scenario(
        name="leave-d0",
        start=Pcidrv.FxInterruptConnect,
        concurrently=[Pcidrv.LeaveD0],
        processors=[1, 2],
        expect={1: Holds(states=334), 2: Holds(states=2658)},
    ),
    Scenario(
        name="surprise-removal",
        start=Pcidrv.FxInterruptConnect,
        concurrently=[Pcidrv.SurpriseRemoval],
        processors=[1, 2],
        expect={1: Holds(states=237), 2: Holds(states=2118)},
    ),
]
