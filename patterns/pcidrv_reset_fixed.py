"""pcidrv, WDM (P7), repaired: the reset masks and unmasks under the interrupt lock.

Whether a reset is under way is now recorded together with the mask, in the interrupt's own critical
section: NICReset enters and leaves its dangerous part by KeSynchronizeExecution, and the DPC, which
unmasks in the same way, finds the flag and leaves the card masked. The DPC loses nothing: the reset
unmasks when it is done.

It is enough because every write of the mask is now made by someone who owns the interrupt lock and
knows of the reset; the service routine only ever sets it.

Source of the faulty reset: WinDDK 7600 general/pcidrv/wdm, hw/isrdpc.c.
"""

from dirql.model.wdk import *


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
    nic = E100(Line(irql=7, mode=LevelSensitive))
    Self = DEVICE_OBJECT()
    Interrupt = PKINTERRUPT()
    Lock = KSPIN_LOCK()
    WatchDogTimer = KTIMER()
    WatchDogTimerDpc = KDPC()
    ResetInProgress = Bit(0)

    def NICAllocateDeviceResources(self):
        IoInitializeDpcRequest(self.Self, self.NICDpcForIsr)
        KeInitializeDpc(self.WatchDogTimerDpc, self.NICWatchDogTimerDpc)
        KeInitializeTimer(self.WatchDogTimer)
        status = IoConnectInterrupt(self.Interrupt, self.NICInterruptHandler)
        if not NT_SUCCESS(status):
            return status
        self.nic.masked = 0
        KeSetTimer(self.WatchDogTimer, 1, self.WatchDogTimerDpc)
        return STATUS_SUCCESS

    def NICInterruptHandler(self, Interrupt, ServiceContext):
        if self.nic.masked or not self.nic.cause:
            return FALSE
        self.nic.masked = 1
        self.nic.cause = 0
        IoRequestDpc(self.Self)
        return TRUE

    def NICDpcForIsr(self, Dpc, DeviceObject, Irp, Context):
        KeSynchronizeExecution(self.Interrupt, self.NICEnableInterrupt)

    def NICEnableInterrupt(self, Context):
        if not self.ResetInProgress:
            self.nic.masked = 0
        return TRUE

    def NICWatchDogTimerDpc(self, Dpc, Context, SystemArgument1, SystemArgument2):
        self.NICReset()

    def NICReset(self):
        KeAcquireSpinLockAtDpcLevel(self.Lock)
        KeSynchronizeExecution(self.Interrupt, self.BeginReset)
        KeReleaseSpinLockFromDpcLevel(self.Lock)
        self.NICInitSend()
        KeAcquireSpinLockAtDpcLevel(self.Lock)
        KeSynchronizeExecution(self.Interrupt, self.EndReset)
        KeReleaseSpinLockFromDpcLevel(self.Lock)

    def BeginReset(self, Context):
        self.ResetInProgress = 1
        self.nic.masked = 1
        return TRUE

    def EndReset(self, Context):
        self.ResetInProgress = 0
        self.nic.masked = 0
        return TRUE

    def NICInitSend(self):
        assert self.nic.masked, "the card interrupts while its send structures are rebuilt"


scenario = Scenario(
    start=Pcidrv.NICAllocateDeviceResources,
    processors=[1, 2],
    expect={1: Holds(states=766), 2: Holds(states=6354)},
)
