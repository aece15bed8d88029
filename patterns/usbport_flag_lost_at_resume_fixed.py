"""ReactOS usbport, fixed: every change of the flag word is made under its spin lock.

The twin of usbport_flag_lost_at_resume.py. USBPORT_PdoPower takes TimerFlagsSpinLock as well. The
lock raises to DISPATCH_LEVEL, so its owner is not preempted by the worker on the same processor,
and it keeps the worker waiting on another. InterlockedOr and InterlockedAnd would do instead, but
then in both places: an interlocked operation does not wait for the owner of a lock.

Source of the driver: reactos/reactos: drivers/usb/usbport/power.c (USBPORT_PdoPower,
USBPORT_DoSetPowerD0, USBPORT_ResumeController) and urb.c (USBPORT_HandleSubmitURB).
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
        KeAcquireSpinLock(self.TimerFlagsSpinLock, OldIrql)
        self.TimerFlags |= TimerFlag.USBPORT_TMFLAG_WAKE
        KeReleaseSpinLock(self.TimerFlagsSpinLock, OldIrql)
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
    expect={1: Holds(states=22), 2: Holds(states=52)},
)
