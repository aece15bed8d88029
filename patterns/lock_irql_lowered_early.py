"""A driver with the level of its lock in a field: it falls before the interrupt is gone.

The service routine takes Lock. Whoever else takes it first raises to LockIrql, which is the IRQL of
the interrupt while there is one and DISPATCH_LEVEL afterwards, so that a device without interrupt
does not keep others off.

Bug: the power-down path lowers LockIrql before it disconnects. The device is masked, but the line
is shared, and the service routine is still called. A thread that reads LockIrql in between takes
the lock at DISPATCH_LEVEL; the service routine interrupts it there and spins for ever.

Source: KeAcquireSpinLockAtDpcLevel; "Introduction to Spin Locks"; IoDisconnectInterrupt.

In the trace look at what ReadStatistics finds in LockIrql.
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
    LockIrql = Int(DISPATCH_LEVEL, 7, initial=7, volatile=True)
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
        KeRaiseIrql(self.LockIrql, OldIrql)
        KeAcquireSpinLockAtDpcLevel(self.Lock)
        self.Errors = 0
        KeReleaseSpinLockFromDpcLevel(self.Lock)
        KeLowerIrql(OldIrql)

    def PowerDown(self):
        self.nic.enabled = 0
        self.LockIrql = DISPATCH_LEVEL
        IoDisconnectInterrupt(self.Interrupt)


scenario = Scenario(
    start=NicDriver.Start,
    concurrently=[NicDriver.ReadStatistics, NicDriver.PowerDown],
    processors=[1, 2],
    expect={
        1: Violated("preemption-deadlock", steps=14, states=704),
        2: Violated("preemption-deadlock", steps=14, states=3404),
    },
)
