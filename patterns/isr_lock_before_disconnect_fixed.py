"""A driver with its own lock, fixed: the plain acquisition comes after the disconnect.

The twin of isr_lock_before_disconnect.py. IoDisconnectInterrupt returns when no service routine is
in progress, and none begins any more. From then on nobody takes Lock above DISPATCH_LEVEL.

So freedom from preemption deadlock rests on a rule of Windows: an interrupt object that is not
connected has no service routine in progress.

Source: IoDisconnectInterrupt; KeAcquireSpinLock.
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
        IoDisconnectInterrupt(self.Interrupt)
        KeAcquireSpinLock(self.Lock, OldIrql)
        self.Errors = 0
        KeReleaseSpinLock(self.Lock, OldIrql)


scenario = Scenario(
    start=NicDriver.Start,
    concurrently=[NicDriver.ReadStatistics, NicDriver.Remove],
    processors=[1, 2],
    expect={1: Holds(states=1088), 2: Holds(states=7588)},
)
