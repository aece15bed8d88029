"""A modem: the driver is unloaded while its periodic watchdog timer is armed.

A periodic timer looks whether the modem still answers. Remove silences the device, disconnects the
interrupt, waits for DPCs, and returns to the I/O manager, which unloads the driver.

Bug: nobody cancels the timer. It expires into memory that is no longer the driver's. An armed timer
is nothing that KeFlushQueuedDpcs waits for.

Source: KeSetTimerEx; KeCancelTimer; bug check 0xCE,
DRIVER_UNLOADED_WITHOUT_CANCELLING_PENDING_OPERATIONS.

The finding is a state, not a step: at the end everything is at rest and the timer is armed.
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
        KeFlushQueuedDpcs()


scenario = Scenario(
    start=ModemDriver.Start,
    concurrently=[ModemDriver.QueryChecked],
    finally_=ModemDriver.Remove,
    processors=[1, 2],
    expect={
        1: Violated("queue-left-pending", steps=15, states=518),
        2: Violated("queue-left-pending", steps=15, states=1148),
    },
)
