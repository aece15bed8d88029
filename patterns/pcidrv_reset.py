"""pcidrv, WDM (P7): a DPC unmasks the card in the middle of a reset.

When the watchdog DPC finds the card hung, NICReset takes all three locks of the adapter, masks and
resets the card, and drops the locks to clean the send queue; it takes them again to set the receive
side up and to unmask. It counts on the card staying masked meanwhile. The locks do not give it
that. The DPC of an interrupt that came before the reset ends by unmasking the card under the
interrupt lock, which NICReset never takes, neither when it masks nor when it unmasks.

Source: WinDDK 7600 general/pcidrv/wdm, hw/isrdpc.c (NICReset, NICDpcForIsr).

What NICReset counts on is the assertion in NICInitSend; in the real driver nothing notices. In the
trace, the DPC is about to unmask when NICReset masks the card on the other processor, and does so
between the two locked parts. The spin locks around the DPC's receive and send work are left out:
at that point they are free. On one processor the two DPCs run one after the other, and the
assertion holds.
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
        self.nic.masked = 0
        return TRUE

    def NICWatchDogTimerDpc(self, Dpc, Context, SystemArgument1, SystemArgument2):
        self.NICReset()

    def NICReset(self):
        KeAcquireSpinLockAtDpcLevel(self.Lock)
        self.nic.masked = 1
        KeReleaseSpinLockFromDpcLevel(self.Lock)
        self.NICInitSend()
        KeAcquireSpinLockAtDpcLevel(self.Lock)
        self.nic.masked = 0
        KeReleaseSpinLockFromDpcLevel(self.Lock)

    def NICInitSend(self):
        assert self.nic.masked, "the card interrupts while its send structures are rebuilt"


scenario = Scenario(
    start=Pcidrv.NICAllocateDeviceResources,
    processors=[1, 2],
    expect={1: Holds(states=661), 2: Violated("assertion-failed", steps=29, states=3224)},
)
