"""A modem, fixed: suspending cancels the watchdog timer.

The twin of timer_initialised_while_armed.py. A cancelled timer is in no queue; its DPC may still
be, and is waited for.

Source: KeCancelTimer; KeFlushQueuedDpcs.
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
        KeCancelTimer(self.Watchdog)
        KeFlushQueuedDpcs()
        self.modem.power = 0

    def SuspendAndResume(self):
        self.Suspend()
        return self.Resume()


scenario = Scenario(
    start=ModemDriver.Resume,
    concurrently=[ModemDriver.SuspendAndResume],
    processors=[1, 2],
    expect={1: Holds(states=29), 2: Holds(states=43)},
)
