"""A driver with its own lock: at removal it is taken at DISPATCH_LEVEL too early.

The service routine takes Lock, so everybody else raises to the IRQL of the interrupt before they
take it. At removal nothing can interrupt any more, and plain KeAcquireSpinLock would do.

Bug: it is used before the interrupt is disconnected. The device is masked by then, but the line is
shared: the service routine is called for the neighbour, finds an error that its own device has
noted, and takes the lock, above the owner on its processor. It spins for ever, and the owner never
runs again.

Source: KeAcquireSpinLock: a lock that a service routine takes must not be held below its IRQL;
"Introduction to Spin Locks".

In the trace look at the level at which Remove owns the lock when the service routine begins.
"""

from dirql.model.wdk import *


class Nic(Device):
    """Reports errors, one at a time."""

    enabled = Bit(0)
    error = Bit(0)

    def line(self):
        return self.error and self.enabled

    @hardware
    def bad_frame(self):
        self.error = 1

    def acknowledge(self):
        had_error = self.error
        self.error = 0
        return had_error


class NicDriver(Driver):
    nic = Nic(Line(irql=7, shared=True))
    Interrupt = PKINTERRUPT()
    Lock = KSPIN_LOCK()
    Errors = Int(0, 1, saturating=True)

    def Start(self):
        KeInitializeSpinLock(self.Lock)
        status = IoConnectInterrupt(self.Interrupt, self.Isr, ShareVector=TRUE)
        if not NT_SUCCESS(status):
            return status
        self.nic.enabled = 1
        return STATUS_SUCCESS

    def Isr(self, Interrupt, ServiceContext):
        if not self.nic.acknowledge():
            return FALSE
        KeAcquireSpinLockAtDpcLevel(self.Lock)
        self.Errors += 1
        KeReleaseSpinLockFromDpcLevel(self.Lock)
        return TRUE

    def ReadStatistics(self):
        KeRaiseIrql(7, OldIrql)
        KeAcquireSpinLockAtDpcLevel(self.Lock)
        self.Errors = 0
        KeReleaseSpinLockFromDpcLevel(self.Lock)
        KeLowerIrql(OldIrql)

    def Remove(self):
        self.nic.enabled = 0
        KeAcquireSpinLock(self.Lock, OldIrql)
        self.Errors = 0
        KeReleaseSpinLock(self.Lock, OldIrql)
        IoDisconnectInterrupt(self.Interrupt)


scenario = Scenario(
    start=NicDriver.Start,
    concurrently=[NicDriver.ReadStatistics, NicDriver.Remove],
    processors=[1, 2],
    expect={
        1: Violated("preemption-deadlock", steps=12, states=286),
        2: Violated("preemption-deadlock", steps=12, states=1378),
    },
)
