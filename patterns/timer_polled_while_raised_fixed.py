"""A modem: its reset waits for a timer below DISPATCH_LEVEL, where it can expire.

The reset holds the line in one state for a while. It arms a timer for the time and waits for it.

Fixed: the thread stays at PASSIVE_LEVEL and waits; its processor can let the timer expire.

Source: "Timer objects and DPCs", KeSetTimer; "Guidelines for writing DPC routines".

timer_polled_while_raised has the driver that looks at the timer at DISPATCH_LEVEL.
"""

from dirql.model.wdk import *


class Modem(Device):
    """One output: the line it holds."""

    hook = Bit(0)


class ModemDriver(Driver):
    modem = Modem()
    HoldTimer = KTIMER()

    def Start(self):
        KeInitializeTimer(self.HoldTimer)
        return STATUS_SUCCESS

    def Reset(self):
        self.modem.hook = 1
        KeSetTimer(self.HoldTimer, 400, NULL)
        KeWaitForSingleObject(self.HoldTimer, Executive, KernelMode, FALSE, NULL)
        self.modem.hook = 0


scenario = Scenario(
    start=ModemDriver.Start,
    concurrently=[ModemDriver.Reset],
    processors=[1, 2],
    expect={1: Holds(states=9), 2: Holds(states=9)},
)
