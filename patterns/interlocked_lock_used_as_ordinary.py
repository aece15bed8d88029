"""A network card: the lock of an ExInterlocked routine is also taken as an ordinary spin lock.

The service routine counts bytes with ExInterlockedAddUlong, which may be called at any IRQL and is
given a spin lock. A request that reads and clears the counter takes the same lock in the ordinary
way; a lock is a lock, it seems.

Bug: ExInterlockedAddUlong shuts out interrupts while it holds the lock, KeAcquireSpinLock does not.
An interrupt on the processor of the thread spins for a lock whose owner lies below it.

Source: ExInterlockedAddUlong, remarks: a lock that is passed from above DISPATCH_LEVEL is used for
nothing but ExInterlocked routines.

In the trace look at which of the two routines comes first; its last line names the other.
"""

from dirql.model.wdk import *


class Nic(Device):
    """Receives frames; reading the status register acknowledges."""

    enabled = Bit(0)
    received = Bit(0)

    def line(self):
        return self.received and self.enabled

    @hardware
    def frame_arrives(self):
        self.received = 1

    def acknowledge(self):
        was_received = self.received
        self.received = 0
        return was_received


class NicDriver(Driver):
    nic = Nic(Line(irql=7, mode=LevelSensitive))
    Interrupt = PKINTERRUPT()
    Lock = KSPIN_LOCK()
    Bytes = Int(0, 4, saturating=True)

    def Start(self):
        # Only the first processor is interrupted, as a legacy controller routes its lines.
        status = IoConnectInterrupt(self.Interrupt, self.Isr, ProcessorEnableMask=1)
        if not NT_SUCCESS(status):
            return status
        self.nic.enabled = 1
        return STATUS_SUCCESS

    def Isr(self, Interrupt, ServiceContext):
        if not self.nic.acknowledge():
            return FALSE
        ExInterlockedAddUlong(self.Bytes, 2, self.Lock)
        return TRUE

    def ReadAndClear(self):
        KeAcquireSpinLock(self.Lock, OldIrql)
        count = ReadNoFence(self.Bytes)
        WriteNoFence(self.Bytes, 0)
        KeReleaseSpinLock(self.Lock, OldIrql)
        return count


scenario = Scenario(
    start=NicDriver.Start,
    concurrently=[NicDriver.ReadAndClear],
    processors=[1, 2],
    expect={
        1: Violated("mixed-lock-kinds", steps=4, states=23),
        2: Violated("mixed-lock-kinds", steps=4, states=23),
    },
)
