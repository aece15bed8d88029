"""A disk that also writes the hibernation file, fixed: dump mode begins before the first sector.

The twin of interrupt_lock_in_dump_mode.py. DumpMode is set as soon as the level is raised and
cleared just before it is lowered, so WriteSector never sees it clear at HIGH_LEVEL.

WriteSector itself does not know its level: it is the flag that keeps the lock out of reach, and
dirql prove shows that the flag is right wherever Hibernate may call it.

Source: KeAcquireInterruptSpinLock; the dump routines of storage drivers run at HIGH_LEVEL.
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
        self.DumpMode = 1
        self.WriteSector()
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
    expect={1: Holds(states=1394)},
)
