"""An audio bus, fixed: the pages are taken from the stream under the lock, and freed after it.

The twin of hdaudbus_pages_freed_at_dirql.py. Once the pointer is NULL no service routine finds the
pages, so nothing is lost by freeing them a little later.

Source: coolstar/sklhdaudbus, commit c6a6e13; ExFreePool.
"""

from dirql.model.wdk import *


class Codec(Device):
    """Reports the end of each period of the stream."""

    running = Bit(0)
    period_over = Bit(0)

    def line(self):
        return self.period_over and self.running

    @hardware
    def period_ends(self):
        self.period_over = 1

    def acknowledge(self):
        was_over = self.period_over and self.running
        if was_over:
            self.period_over = 0
        return was_over


class Pages(Structure):
    Position = Int(0, 1, wrapping=True)


class AudioBus(Driver):
    codec = Codec(Line(irql=7, mode=LevelSensitive))
    Interrupt = PKINTERRUPT()
    first = Pages()
    Stream = Reference(Pages)

    def Start(self):
        self.Stream = self.first
        # Only the first processor is interrupted, as a legacy controller routes its lines.
        status = IoConnectInterrupt(self.Interrupt, self.Isr, ProcessorEnableMask=1)
        if not NT_SUCCESS(status):
            return status
        self.codec.running = 1
        return STATUS_SUCCESS

    def Isr(self, Interrupt, ServiceContext):
        if not self.codec.acknowledge():
            return FALSE
        pages = self.Stream
        if pages:
            pages.Position += 1
        return TRUE

    def CloseStream(self):
        OldIrql = KeAcquireInterruptSpinLock(self.Interrupt)
        pages = self.Stream
        self.Stream = NULL
        KeReleaseInterruptSpinLock(self.Interrupt, OldIrql)
        ExFreePoolWithTag(pages)


scenario = Scenario(
    start=AudioBus.Start,
    concurrently=[AudioBus.CloseStream],
    processors=[1, 2],
    expect={1: Holds(states=358), 2: Holds(states=574)},
)
