"""A card with two ports, fixed: the lock goes back through the object it was taken through.

The twin of interrupt_lock_of_the_other_port.py. Switch takes the lock through the first port's
interrupt object, and keeps that pointer until it gives the lock back.

Source: KeReleaseInterruptSpinLock, parameter Interrupt.
"""

from dirql.model.wdk import *


class Port(Device):
    """Reports data while it is on; reading the status acknowledges."""

    enabled = Bit(0)
    data = Bit(0)

    def line(self):
        return self.data and self.enabled

    @hardware
    def data_arrives(self):
        self.data = 1

    def acknowledge(self):
        had_data = self.data and self.enabled
        if had_data:
            self.data = 0
        return had_data


class Card(Driver):
    first = Port(Line(irql=7, vector=0x71, mode=LevelSensitive))
    second = Port(Line(irql=7, vector=0x72, mode=LevelSensitive))
    FirstInterrupt = PKINTERRUPT()
    SecondInterrupt = PKINTERRUPT()
    Lock = KSPIN_LOCK()
    On = Bit(0)

    def Start(self):
        KeInitializeSpinLock(self.Lock)
        # Only the first processor is interrupted, as a legacy controller routes its lines.
        status = IoConnectInterrupt(
            self.FirstInterrupt,
            self.FirstIsr,
            SpinLock=self.Lock,
            Vector=0x71,
            ProcessorEnableMask=1,
        )
        if not NT_SUCCESS(status):
            return status
        status = IoConnectInterrupt(
            self.SecondInterrupt,
            self.SecondIsr,
            SpinLock=self.Lock,
            Vector=0x72,
            ProcessorEnableMask=1,
        )
        if not NT_SUCCESS(status):
            IoDisconnectInterrupt(self.FirstInterrupt)
        return status

    def FirstIsr(self, Interrupt, ServiceContext):
        return self.first.acknowledge()

    def SecondIsr(self, Interrupt, ServiceContext):
        return self.second.acknowledge()

    def Switch(self):
        Interrupt = self.FirstInterrupt
        OldIrql = KeAcquireInterruptSpinLock(Interrupt)
        if self.On:
            self.On = 0
            self.first.enabled = 0
            self.second.enabled = 1
        else:
            self.On = 1
            self.second.enabled = 0
            self.first.enabled = 1
        KeReleaseInterruptSpinLock(Interrupt, OldIrql)

    def SwitchTwice(self):
        self.Switch()
        self.Switch()


scenario = Scenario(
    start=Card.Start,
    concurrently=[Card.SwitchTwice],
    processors=[1, 2],
    expect={1: Holds(states=528), 2: Holds(states=962)},
)
