"""A card with two ports: the lock taken through one interrupt object is given back through another.

Both ports change a register of the card that says which of them is on, so their service routines
share a spin lock, which the driver hands to both connect calls. A thread that switches a port takes
the lock by that port's interrupt object.

Bug: Switch changes its mind half-way. It takes the lock for the port it was asked for, finds that
the port is on already, goes on with the other one, and gives the lock back through the pointer it
has by then.

Source: KeReleaseInterruptSpinLock, parameter Interrupt: the object that was passed to
KeAcquireInterruptSpinLock. With one lock and one level behind both objects a free build does not
notice; had the ports two levels, the processor would be left at the wrong one.

In the trace compare the pointers that the two calls read.
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
            Interrupt = self.SecondInterrupt
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
    expect={
        1: Violated("mixed-lock-routines", steps=23, states=474),
        2: Violated("mixed-lock-routines", steps=23, states=834),
    },
)
