"""pcidrv, WDM (P6): a torn update loses the HALT flag, and removal waits for ever.

A watchdog timer looks after the card: its DPC resets a hung card and arms the timer again, unless
HALT is set in the flag word; then it sets an event and stays away. Removal sets HALT and tries to
cancel the timer. If the timer is not armed, the DPC is on its way, and removal waits for its event.
That protocol is sound, but the flag word is not: the reset sets and clears its own bit in the same
word under a spin lock, and removal sets HALT with a plain `|=` under none.

Source: WinDDK 7600 general/pcidrv/wdm, hw/isrdpc.c (NICWatchDogTimerDpc, NICReset) and
hw/nic_init.c (NICFreeDeviceResources).

In the trace, the DPC has read Flags to set RESET when removal stores HALT and finds no timer to
cancel. The DPC will write back what it had read, and HALT is gone: it arms the timer again, goes
round for ever, and never sets the event. On one processor the thread cannot run inside the DPC, and
the DPC leaves the word as it found it, so nothing hangs; but the DPC can still interrupt the thread
on its way to the word, and that is reported as a race.
"""

from dirql.model.wdk import *


class Flag(IntFlag):
    fMP_ADAPTER_RESET_IN_PROGRESS = 1
    fMP_ADAPTER_HALT_IN_PROGRESS = 2


class Pcidrv(Driver):
    Flags = Int(0, 3)
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
        self.Flags |= Flag.fMP_ADAPTER_RESET_IN_PROGRESS
        self.Flags &= ~Flag.fMP_ADAPTER_RESET_IN_PROGRESS
        KeReleaseSpinLockFromDpcLevel(self.Lock)

    def NICFreeDeviceResources(self):
        self.Flags |= Flag.fMP_ADAPTER_HALT_IN_PROGRESS
        if not KeCancelTimer(self.WatchDogTimer):
            KeWaitForSingleObject(self.WatchDogTimerEvent, Executive, KernelMode, FALSE, NULL)


scenario = Scenario(
    start=Pcidrv.NICAllocateDeviceResources,
    concurrently=[Pcidrv.NICFreeDeviceResources],
    processors=[1, 2, 3],
    expect={
        1: Violated("data-race", steps=6, states=31),
        2: Violated("stuck-context", steps=11, states=278),
        3: Violated("stuck-context", steps=11, states=404),
    },
)
