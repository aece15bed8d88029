"""pcidrv, WDM (P8): the watchdog is let loose before the interrupt is connected again.

When the card gets its power back, pcidrv initialises it, arms the watchdog timer, connects the
interrupt and unmasks the card. The watchdog's DPC resets a card that hangs, and a reset ends by
unmasking it.

Bug: a watchdog that finds the card hung right away unmasks it before anybody is connected, and the
next packet asserts a line that nobody serves. Whoever may unmask the card must not be started
before the service routine.

Source: WinDDK 7600 general/pcidrv/wdm, hw/nic_pm.c (power-up) and hw/isrdpc.c (watchdog, NICReset).
That the timer is cancelled when the connect call fails was added: a timer left armed by a failed
start is a bug of its own (queue-left-pending), nearer than the one told here.

How long a connect call takes and when a timer expires is not in the model: the timer may expire at
any moment. The real one waits 400 milliseconds, so it takes a slow connect call, or one that waits
for memory. In the trace look at the expiry of the timer between KeSetTimer and IoConnectInterrupt.
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
        KeSetTimer(self.WatchDogTimer, 1, self.WatchDogTimerDpc)
        status = IoConnectInterrupt(self.Interrupt, self.NICInterruptHandler)
        if not NT_SUCCESS(status):
            KeCancelTimer(self.WatchDogTimer)
            return status
        self.nic.masked = 0
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
        1: Violated("device-unmasked-before-connect", steps=9, states=131),
        2: Violated("device-unmasked-before-connect", steps=9, states=315),
    },
)
