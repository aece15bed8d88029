"""A disk that also writes the hibernation file: the interrupt lock is taken at HIGH_LEVEL.

WriteSector is called by a request at PASSIVE_LEVEL, by the DPC for the next sector at
DISPATCH_LEVEL, and while the hibernation file is written at HIGH_LEVEL, when nothing else runs.
It takes the interrupt lock, except in dump mode: there it must not, and need not.

Bug: the first sector is written before DumpMode is set. WriteSector looks at DumpMode, finds the
driver in ordinary operation, and takes the interrupt lock at HIGH_LEVEL.

One processor: Windows stops all others before it hands the disk over.

Source: KeAcquireInterruptSpinLock: the caller must run at an IRQL not above the SynchronizeIrql
of the interrupt; the dump routines of storage drivers run at HIGH_LEVEL.

In the trace look at the level at which Hibernate calls WriteSector, and at DumpMode.
"""

from dirql.model.wdk import *


class Disk(Device):
    """Takes one sector at a time and reports when it is written."""

    busy = Bit(0)
    written = Bit(0)

    def line(self):
        return self.written

    @hardware
    def sector_is_written(self):
        if self.busy:
            self.busy = 0
            self.written = 1

    def acknowledge(self):
        written = self.written
        self.written = 0
        return written


class DiskDriver(Driver):
    disk = Disk(Line(irql=7))
    Interrupt = PKINTERRUPT()
    Dpc = KDPC()
    DumpMode = Bit(0, volatile=True)
    Left = Int(0, 1, initial=1, saturating=True, volatile=True)

    def StartDevice(self):
        KeInitializeDpc(self.Dpc, self.NextSector)
        return IoConnectInterrupt(self.Interrupt, self.Isr)

    def Isr(self, Interrupt, ServiceContext):
        if not self.disk.acknowledge():
            return FALSE
        KeInsertQueueDpc(self.Dpc)
        return TRUE

    def NextSector(self, Dpc, DeferredContext):
        if self.Left:
            self.Left = 0
            self.WriteSector()

    def Write(self):
        self.WriteSector()

    def Hibernate(self):
        KeRaiseIrql(HIGH_LEVEL, OldIrql)
        self.WriteSector()
        self.DumpMode = 1
        self.WriteSector()
        self.DumpMode = 0
        KeLowerIrql(OldIrql)

    def WriteSector(self):
        if self.DumpMode:
            self.disk.busy = 1
        else:
            OldIrql = KeAcquireInterruptSpinLock(self.Interrupt)
            self.disk.busy = 1
            KeReleaseInterruptSpinLock(self.Interrupt, OldIrql)


scenario = Scenario(
    start=DiskDriver.StartDevice,
    concurrently=[DiskDriver.Write, DiskDriver.Hibernate],
    processors=[1],
    expect={1: Violated("irql-too-high", steps=7, states=32)},
)
