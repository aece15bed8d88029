"""A card that sleeps: going to sleep disconnects the interrupt, waking up connects it again.

Power management calls one routine for every entry into the working state, and that is where the
driver connects its interrupt and enables the card.

Fixed: going to sleep disables the card, disconnects, and forgets the pointer. A wake-up that fails
leaves NULL there, whatever the connect call does with it.

Source: IoConnectInterrupt, IoDisconnectInterrupt; for the pointer, reactos/reactos:
ntoskrnl/io/iomgr/irq.c.

connected_again_on_wake has the driver that only disables the card.
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
        self.Remove()
        return self.EnterD0()

    def Remove(self):
        self.card.enabled = 0
        if self.Interrupt:
            IoDisconnectInterrupt(self.Interrupt)
            self.Interrupt = NULL


scenario = Scenario(
    start=CardDriver.EnterD0,
    concurrently=[CardDriver.SleepAndWake],
    finally_=CardDriver.Remove,
    processors=[1, 2],
    expect={
        1: Holds(states=236),
        2: Holds(states=632),
    },
)
