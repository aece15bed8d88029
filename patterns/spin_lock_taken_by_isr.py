"""A counter of errors: thread and service routine share an ordinary spin lock.

The request that reads and clears the counter takes a spin lock; the service routine, which counts,
takes the same lock. The author used KeAcquireSpinLockAtDpcLevel there, which leaves the IRQL alone
and so complains about nothing.

Bug: an ordinary spin lock raises its holder to DISPATCH_LEVEL only. An interrupt on the holder's
own processor comes through, the service routine spins for the lock, and the holder below it never
runs again. One processor is enough. A lock that a service routine takes must keep the interrupt
out; the interrupt's own lock does.

Source: "Managing Hardware Priorities" and "Introduction to Spin Locks": what is shared with a
service routine is protected by the interrupt spin lock.

In the trace look at who owns the lock when the service routine begins to spin, and where.
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
    nic = Nic(Line(irql=7, mode=LevelSensitive))
    Interrupt = PKINTERRUPT()
    StatisticsLock = KSPIN_LOCK()
    Errors = Int(0, 1, saturating=True)

    def Start(self):
        status = IoConnectInterrupt(self.Interrupt, self.Isr)
        if not NT_SUCCESS(status):
            return status
        self.nic.enabled = 1
        return STATUS_SUCCESS

    def Isr(self, Interrupt, ServiceContext):
        if not self.nic.acknowledge():
            return FALSE
        KeAcquireSpinLockAtDpcLevel(self.StatisticsLock)
        self.Errors += 1
        KeReleaseSpinLockFromDpcLevel(self.StatisticsLock)
        return TRUE

    def ReadStatistics(self):
        KeAcquireSpinLock(self.StatisticsLock, OldIrql)
        self.Errors = 0
        KeReleaseSpinLock(self.StatisticsLock, OldIrql)
        return STATUS_SUCCESS


scenario = Scenario(
    start=NicDriver.Start,
    concurrently=[NicDriver.ReadStatistics],
    processors=[1, 2],
    expect={
        1: Violated("preemption-deadlock", steps=9, states=104),
        2: Violated("preemption-deadlock", steps=9, states=252),
    },
)
