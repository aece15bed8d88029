"""pcidrv, WDM (P8), repaired: the watchdog is armed when everything it relies on is there.

The twin of pcidrv_watchdog_before_connect.py: one line has moved to the end of power-up. A reset
can only come when the service routine is connected, and then it may unmask the card as it likes. If
the connect call fails, the timer is not armed, so there is nothing to cancel.

Source of the faulty order: WinDDK 7600 general/pcidrv/wdm, hw/nic_pm.c.
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
    Interrupt = PKINTERRUPT()
    Lock = KSPIN_LOCK()
    WatchDogTimer = KTIMER()
    WatchDogTimerDpc = KDPC()

    def MPSetPowerD0(self):
        KeInitializeDpc(self.WatchDogTimerDpc, self.NICWatchDogTimerDpc)
        KeInitializeTimer(self.WatchDogTimer)
        status = IoConnectInterrupt(self.Interrupt, self.NICInterruptHandler)
        if NT_SUCCESS(status):
            self.nic.masked = 0
            KeSetTimer(self.WatchDogTimer, 1, self.WatchDogTimerDpc)
        return status

    def NICInterruptHandler(self, Interrupt, ServiceContext):
        if self.nic.masked or not self.nic.cause:
            return FALSE
        self.nic.cause = 0
        return TRUE

    def NICWatchDogTimerDpc(self, Dpc, Context, SystemArgument1, SystemArgument2):
        self.NICReset()

    def NICReset(self):
        KeAcquireSpinLockAtDpcLevel(self.Lock)
        self.nic.masked = 1
        self.nic.masked = 0
        KeReleaseSpinLockFromDpcLevel(self.Lock)


scenario = Scenario(
    start=Pcidrv.MPSetPowerD0,
    processors=[1, 2],
    expect={
        1: Holds(states=245),
        2: Holds(states=762),
    },
)
