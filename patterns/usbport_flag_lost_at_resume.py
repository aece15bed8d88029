"""ReactOS usbport: a flag word is changed under its spin lock here and without it there.

TimerFlags says among other things that the host controller and its root hub are suspended. When
the system wakes up, the worker thread resumes the controller and clears both bits; it holds
TimerFlagsSpinLock for that. Meanwhile the power request for the root hub arrives, and
USBPORT_PdoPower sets the bit for wake-up in the same word, with a plain |= and no lock.

Bug: the |= reads the word before the worker clears the bits and writes it back after. The root hub
is suspended again, in the driver's opinion only: from now on every request to it is turned away
as one for a device that is gone. A lock that one of two writers takes protects nothing.

Source: reactos/reactos: drivers/usb/usbport/power.c (USBPORT_PdoPower, USBPORT_DoSetPowerD0,
USBPORT_ResumeController) and urb.c (USBPORT_HandleSubmitURB).

In the trace look at the read and the write of one |=, and at the worker between them. It takes no
second processor: both are threads at PASSIVE_LEVEL, and one may be preempted at any moment.
"""

from dirql.model.wdk import *


class TimerFlag(IntFlag):
    USBPORT_TMFLAG_HC_SUSPENDED = 1
    USBPORT_TMFLAG_RH_SUSPENDED = 2
    USBPORT_TMFLAG_WAKE = 4


class Usbport(Driver):
    TimerFlags = Int(0, 7)
    TimerFlagsSpinLock = KSPIN_LOCK()

    def USBPORT_SuspendController(self):
        self.TimerFlags = (
            TimerFlag.USBPORT_TMFLAG_HC_SUSPENDED | TimerFlag.USBPORT_TMFLAG_RH_SUSPENDED
        )

    def USBPORT_DoSetPowerD0(self):
        """What the worker thread does once the controller has power again."""
        KeAcquireSpinLock(self.TimerFlagsSpinLock, OldIrql)
        self.TimerFlags &= ~(
            TimerFlag.USBPORT_TMFLAG_HC_SUSPENDED | TimerFlag.USBPORT_TMFLAG_RH_SUSPENDED
        )
        KeReleaseSpinLock(self.TimerFlagsSpinLock, OldIrql)

    def USBPORT_PdoPower(self):
        """IRP_MN_SET_POWER for the root hub: the system is working again."""
        self.TimerFlags |= TimerFlag.USBPORT_TMFLAG_WAKE
        return STATUS_SUCCESS

    def USBPORT_HandleSubmitURB(self):
        """A request to the root hub, after both."""
        suspended = self.TimerFlags & TimerFlag.USBPORT_TMFLAG_RH_SUSPENDED
        assert not suspended, "the root hub has been resumed"


scenario = Scenario(
    start=Usbport.USBPORT_SuspendController,
    concurrently=[Usbport.USBPORT_DoSetPowerD0, Usbport.USBPORT_PdoPower],
    finally_=Usbport.USBPORT_HandleSubmitURB,
    processors=[1, 2],
    expect={
        1: Violated("assertion-failed", steps=10, states=23),
        2: Violated("assertion-failed", steps=10, states=45),
    },
)
