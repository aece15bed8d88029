"""An adapter with two interrupts, fixed: both are connected with the highest level of the two.

The twin of reset_above_synchronize_irql.py. SynchronizeIrql is 7 for both interrupts, so both
service routines run at 7, and both locks may be taken from there.

Nothing at the call says that HighestIrql is not above 7. dirql prove finds the facts that exclude
it: the field is set once, before anything can be reset.

Source: KeAcquireInterruptSpinLock; IoConnectInterrupt: SynchronizeIrql.
"""

from dirql.model.wdk import *


class Receiver(Device):
    """Packets that have come."""

    received = Bit(0)
    enabled = Bit(0)

    def line(self):
        return self.received and self.enabled

    @hardware
    def packet_arrives(self):
        self.received = 1


class Transmitter(Device):
    """Packets that have been sent."""

    sent = Bit(0)
    enabled = Bit(0)

    def line(self):
        return self.sent and self.enabled


class Adapter(Driver):
    rx = Receiver(Line(irql=5, vector=0x51))
    tx = Transmitter(Line(irql=7, vector=0x71))
    RxInterrupt = PKINTERRUPT()
    TxInterrupt = PKINTERRUPT()
    HighestIrql = Int(5, 8)  # the levels that the bus hands out

    def StartDevice(self):
        status = IoConnectInterrupt(self.RxInterrupt, self.RxIsr, Vector=0x51, SynchronizeIrql=7)
        if not NT_SUCCESS(status):
            return status
        status = IoConnectInterrupt(self.TxInterrupt, self.TxIsr, Vector=0x71, SynchronizeIrql=7)
        if not NT_SUCCESS(status):
            IoDisconnectInterrupt(self.RxInterrupt)
            return status
        self.HighestIrql = 7
        self.rx.enabled = 1
        self.tx.enabled = 1
        return STATUS_SUCCESS

    def RxIsr(self, Interrupt, ServiceContext):
        if not self.rx.enabled or not self.rx.received:
            return FALSE
        self.rx.received = 0
        return TRUE

    def TxIsr(self, Interrupt, ServiceContext):
        if not self.tx.enabled or not self.tx.sent:
            return FALSE
        self.tx.sent = 0
        return TRUE

    def Reset(self):
        KeRaiseIrql(self.HighestIrql, OldIrql)
        RxIrql = KeAcquireInterruptSpinLock(self.RxInterrupt)
        self.rx.received = 0
        KeReleaseInterruptSpinLock(self.RxInterrupt, RxIrql)
        TxIrql = KeAcquireInterruptSpinLock(self.TxInterrupt)
        self.tx.sent = 0
        KeReleaseInterruptSpinLock(self.TxInterrupt, TxIrql)
        KeLowerIrql(OldIrql)


scenario = Scenario(
    start=Adapter.StartDevice,
    concurrently=[Adapter.Reset],
    processors=[1, 2],
    expect={1: Holds(states=406), 2: Holds(states=3658)},
)
