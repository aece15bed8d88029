"""A modem: its reset waits for a timer at DISPATCH_LEVEL, where none can expire.

The reset holds the line in one state for a while. It raises the IRQL, so that nothing comes
between, arms a timer for the time, and looks at the timer until it is signalled.

Bug: timers expire at DISPATCH_LEVEL, in the same work of a processor as its DPCs. While this
thread is raised its processor does none of that. On a machine with one processor the timer never
expires and the loop never ends. With two, the other processor lets it expire: the driver works,
on the machine where it was written.

Source: "Timer objects and DPCs", KeSetTimer; "Guidelines for writing DPC routines".

In the trace look at the level at which the thread waits.
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
        KeRaiseIrql(DISPATCH_LEVEL, OldIrql)
        KeSetTimer(self.HoldTimer, 400, NULL)
        while not KeReadStateTimer(self.HoldTimer):
            pass
        KeLowerIrql(OldIrql)
        self.modem.hook = 0


scenario = Scenario(
    start=ModemDriver.Start,
    concurrently=[ModemDriver.Reset],
    processors=[1, 2],
    expect={1: Violated("stuck-context", steps=1, states=5), 2: Holds(states=15)},
)
