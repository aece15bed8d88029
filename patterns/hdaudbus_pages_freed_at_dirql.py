"""An audio bus: the pages of a stream go back to the pool under the interrupt lock.

The service routine writes the position of the running stream into its pages. Whoever ends the
stream takes the interrupt lock, so that the service routine does not use the pages any more.

Bug: the lock is right, and the pages are freed before it is given back. Under it the processor is
at the device's IRQL, and the pool may be used up to DISPATCH_LEVEL only: its own locks do not keep
out an interrupt that comes in over them.

Source: coolstar/sklhdaudbus, commit c6a6e13 ("Fix Driver verifier crash when releasing HDA
buffer"); ExFreePool, requirements, IRQL.

In the trace compare the IRQL of the call with the level it may be made at.
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
        ExFreePoolWithTag(pages)
        KeReleaseInterruptSpinLock(self.Interrupt, OldIrql)


scenario = Scenario(
    start=AudioBus.Start,
    concurrently=[AudioBus.CloseStream],
    processors=[1, 2],
    expect={
        1: Violated("irql-too-high", steps=10, states=71),
        2: Violated("irql-too-high", steps=10, states=96),
    },
)
