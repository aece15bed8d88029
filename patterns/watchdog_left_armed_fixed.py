"""A modem, fixed: the timer is cancelled first, and the DPC it may have queued is waited for.

The twin of watchdog_left_armed.py. The order matters: a DPC that is flushed before the timer is
cancelled can be queued again by the next expiry.

Source: KeCancelTimer, remarks; KeFlushQueuedDpcs.
"""

from dirql.model.wdk import *


class Modem(Device):
    """Answers or does not; rings now and then."""

    enabled = Bit(0)
    ring = Bit(0)

    def line(self):
        return self.ring and self.enabled

    @hardware
    def telephone_rings(self):
        self.ring = 1

    def acknowledge(self):
        had_rung = self.ring
        self.ring = 0
        return had_rung


class ModemDriver(Driver):
    modem = Modem(Line(irql=4, mode=LevelSensitive))
    Interrupt = PKINTERRUPT()
    Watchdog = KTIMER()
    WatchdogDpc = KDPC()
    Checks = Int(0, 1, volatile=True, saturating=True)

    def Start(self):
        KeInitializeTimer(self.Watchdog)
        KeInitializeDpc(self.WatchdogDpc, self.CheckModem)
        # Only the first processor is interrupted, as a legacy controller routes its lines.
        status = IoConnectInterrupt(self.Interrupt, self.Isr, ProcessorEnableMask=1)
        if not NT_SUCCESS(status):
            return status
        self.modem.enabled = 1
        KeSetTimerEx(self.Watchdog, 10, 10, self.WatchdogDpc)
        return STATUS_SUCCESS

    def Isr(self, Interrupt, ServiceContext):
        return self.modem.acknowledge()

    def CheckModem(self, Dpc, DeferredContext):
        InterlockedIncrement(self.Checks)

    def QueryChecked(self):
        return KeReadStateTimer(self.Watchdog)

    def Remove(self):
        if not self.Interrupt:
            return
        self.modem.enabled = 0
        IoDisconnectInterrupt(self.Interrupt)
        self.Interrupt = NULL
        KeCancelTimer(self.Watchdog)
        KeFlushQueuedDpcs()


scenario = Scenario(
    start=ModemDriver.Start,
    concurrently=[ModemDriver.QueryChecked],
    finally_=ModemDriver.Remove,
    processors=[1, 2],
    expect={1: Holds(states=638), 2: Holds(states=2114)},
)
