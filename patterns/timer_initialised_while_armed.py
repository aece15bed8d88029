"""A modem: resuming initialises a watchdog timer that suspending has left armed.

The watchdog expires when the modem has not answered for a while. Suspend switches the modem off;
resume sets everything up again, the timer among it, and arms the watchdog.

Bug: the timer is still armed from before. Initialising it overwrites the links by which it hangs in
the system's timer queue.

Source: KeInitializeTimer; KeCancelTimer; bug check 0xC7, TIMER_OR_DPC_INVALID.

In the trace the timer has not expired when the modem is resumed.
"""

from dirql.model.wdk import *


class Modem(Device):
    """Answers, or is switched off."""

    power = Bit(0, volatile=True)


class ModemDriver(Driver):
    modem = Modem()
    Watchdog = KTIMER()
    WatchdogDpc = KDPC()
    Checks = Int(0, 1, volatile=True, saturating=True)

    def Resume(self):
        KeInitializeTimer(self.Watchdog)
        KeInitializeDpc(self.WatchdogDpc, self.CheckModem)
        self.modem.power = 1
        KeSetTimer(self.Watchdog, 10, self.WatchdogDpc)
        return STATUS_SUCCESS

    def CheckModem(self, Dpc, DeferredContext):
        InterlockedIncrement(self.Checks)

    def Suspend(self):
        self.modem.power = 0

    def SuspendAndResume(self):
        self.Suspend()
        return self.Resume()


scenario = Scenario(
    start=ModemDriver.Resume,
    concurrently=[ModemDriver.SuspendAndResume],
    processors=[1, 2],
    expect={
        1: Violated("free-while-queued", steps=6, states=9),
        2: Violated("free-while-queued", steps=6, states=12),
    },
)
