"""An adapter with two interrupts: raised to the level of one, it takes the lock of the other.

Reset must see both halves of the adapter at rest. It raises to the highest IRQL of its interrupts,
which the driver has worked out when it connected them and keeps in the device extension, and then
takes each interrupt lock.

Bug: each interrupt is connected at its own level. HighestIrql is 7, and the receive interrupt has
SynchronizeIrql 5: its lock must not be taken above that. The processor would go down to 5 under a
caller that relies on 7, and Driver Verifier stops the machine.

Source: KeAcquireInterruptSpinLock: the caller must run at an IRQL not above the SynchronizeIrql
of the interrupt; IoConnectInterrupt: SynchronizeIrql for drivers with more than one interrupt.

In the trace look at the level that KeRaiseIrql reads out of HighestIrql.
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
        status = IoConnectInterrupt(self.RxInterrupt, self.RxIsr, Vector=0x51, SynchronizeIrql=5)
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
    expect={
        1: Violated("irql-too-high", steps=11, states=308),
        2: Violated("irql-too-high", steps=11, states=896),
    },
)
