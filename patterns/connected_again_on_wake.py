"""A card that sleeps: the routine that wakes it connects its interrupt a second time.

Power management calls one routine for every entry into the working state, and that is where the
driver connects its interrupt and enables the card. Going to sleep only disables the card.

Bug: after the first sleep the interrupt is still connected. The line is not shared, so the second
connect call fails, and the wake-up with it. What the call leaves in the pointer is promised
nowhere: if it is NULL (knob pointer_after_failed_connect) the removal finds nothing to disconnect,
and the service routine outlives the driver.

Source: IoConnectInterrupt, IoDisconnectInterrupt; for the pointer, reactos/reactos:
ntoskrnl/io/iomgr/irq.c.

In the trace look at what the pointer holds when the second call is made, and what it leaves there.
"""

from dirql.model.wdk import *


class Card(Device):
    enabled = Bit(0)
    cause = Bit(0)

    def line(self):
        return self.cause and self.enabled

    @hardware
    def event(self):
        self.cause = 1

    def acknowledge(self):
        had_cause = self.cause
        self.cause = 0
        return had_cause


class CardDriver(Driver):
    card = Card(Line(irql=6, mode=LevelSensitive))
    Interrupt = PKINTERRUPT()

    def EnterD0(self):
        status = IoConnectInterrupt(self.Interrupt, self.Isr)
        if NT_SUCCESS(status):
            self.card.enabled = 1
        return status

    def Isr(self, Interrupt, ServiceContext):
        return self.card.acknowledge()

    def SleepAndWake(self):
        self.card.enabled = 0
        return self.EnterD0()

    def Remove(self):
        self.card.enabled = 0
        if self.Interrupt:
            IoDisconnectInterrupt(self.Interrupt)


scenario = Scenario(
    start=CardDriver.EnterD0,
    concurrently=[CardDriver.SleepAndWake],
    finally_=CardDriver.Remove,
    processors=[1, 2],
    expect={
        1: Violated("interrupt-left-connected", steps=8, states=137),
        2: Violated("interrupt-left-connected", steps=8, states=235),
    },
)
