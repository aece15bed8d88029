"""A driver with the level of its lock in a field, fixed: it falls after the disconnect.

The twin of lock_irql_lowered_early.py. A thread that read the old value takes the lock at a level
higher than necessary, which is harmless. One that reads DISPATCH_LEVEL knows that the interrupt is
disconnected, and so that no service routine is in progress.

Source: KeAcquireSpinLockAtDpcLevel; IoDisconnectInterrupt.
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
        IoDisconnectInterrupt(self.Interrupt)
        self.LockIrql = DISPATCH_LEVEL


scenario = Scenario(
    start=NicDriver.Start,
    concurrently=[NicDriver.ReadStatistics, NicDriver.PowerDown],
    processors=[1, 2],
    expect={1: Holds(states=1424), 2: Holds(states=8652)},
)
