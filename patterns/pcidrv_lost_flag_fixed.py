"""pcidrv, WDM (P6), repaired: the flag word is only changed by interlocked operations.

InterlockedOr and InterlockedAnd read, change and write in one step, so removal's HALT and the
reset's own bit no longer overwrite each other, whoever holds which lock. Now the protocol holds:
if KeCancelTimer finds the timer armed, the DPC will not run again; if not, a DPC is queued or
running. It sees HALT and sets the event, or it has looked too early, arms the timer once more, and
sees HALT the next time.

The DPC tests the word with one plain aligned read, as the driver does. The real word is not
declared volatile; here it is, because a test that may be compiled into anything else is a data
race.

Source of the faulty update: WinDDK 7600 general/pcidrv/wdm, hw/isrdpc.c and hw/nic_init.c.
"""

from dirql.model.wdk import *


class Flag(IntFlag):
    fMP_ADAPTER_RESET_IN_PROGRESS = 1
    fMP_ADAPTER_HALT_IN_PROGRESS = 2


class Pcidrv(Driver):
    Flags = Int(0, 3, volatile=True)
    Lock = KSPIN_LOCK()
    WatchDogTimer = KTIMER()
    WatchDogTimerDpc = KDPC()
    WatchDogTimerEvent = KEVENT(NotificationEvent, FALSE)

    def NICAllocateDeviceResources(self):
        KeInitializeDpc(self.WatchDogTimerDpc, self.NICWatchDogTimerDpc)
        KeInitializeTimer(self.WatchDogTimer)
        KeSetTimer(self.WatchDogTimer, 1, self.WatchDogTimerDpc)

    def NICWatchDogTimerDpc(self, Dpc, Context, SystemArgument1, SystemArgument2):
        if self.Flags & Flag.fMP_ADAPTER_HALT_IN_PROGRESS:
            KeSetEvent(self.WatchDogTimerEvent, IO_NO_INCREMENT, FALSE)
            return
        if self.NICCheckForHang():
            self.NICReset()
        KeSetTimer(self.WatchDogTimer, 1, self.WatchDogTimerDpc)

    def NICCheckForHang(self):
        return choose(FALSE, TRUE)

    def NICReset(self):
        KeAcquireSpinLockAtDpcLevel(self.Lock)
        InterlockedOr(self.Flags, Flag.fMP_ADAPTER_RESET_IN_PROGRESS)
        InterlockedAnd(self.Flags, ~Flag.fMP_ADAPTER_RESET_IN_PROGRESS)
        KeReleaseSpinLockFromDpcLevel(self.Lock)

    def NICFreeDeviceResources(self):
        InterlockedOr(self.Flags, Flag.fMP_ADAPTER_HALT_IN_PROGRESS)
        if not KeCancelTimer(self.WatchDogTimer):
            KeWaitForSingleObject(self.WatchDogTimerEvent, Executive, KernelMode, FALSE, NULL)


scenario = Scenario(
    start=Pcidrv.NICAllocateDeviceResources,
    concurrently=[Pcidrv.NICFreeDeviceResources],
    processors=[1, 2, 3],
    expect={1: Holds(states=19), 2: Holds(states=74), 3: Holds(states=105)},
)
