"""A capture card with two interrupts at neighbouring IRQLs: the higher one comes in half-way.

The card reports finished frames by one interrupt and errors by another, whose IRQL is one higher.
Both service routines keep a status block of two words for the application: the number of the frame
and what became of it. The service routine for errors takes the block as it finds it.

Bug: both were taken to be of one level, "device level", so that neither could interrupt the other.
One level apart is enough: between the two words the service routine for errors comes in, on the
same processor, and finds a number whose fate is that of the frame before.

Source: "Always preemptible and always interruptible": an interrupt is taken while the processor's
IRQL is below its own; IO_CONNECT_INTERRUPT_PARAMETERS, SynchronizeIrql.

In the trace the error interrupt is accepted at the IRQL of the frame interrupt.
"""

from dirql.model.wdk import *


class Frames(Device):
    """Says that a frame is finished."""

    enabled = Bit(0)
    finished = Bit(0)

    def line(self):
        return self.finished and self.enabled

    @hardware
    def frame_is_finished(self):
        self.finished = 1

    def acknowledge(self):
        was_finished = self.finished
        self.finished = 0
        return was_finished


class Errors(Device):
    """Says that something went wrong."""

    enabled = Bit(0)
    error = Bit(0)

    def line(self):
        return self.error and self.enabled

    @hardware
    def error_occurs(self):
        self.error = 1

    def acknowledge(self):
        had_error = self.error
        self.error = 0
        return had_error


class Capture(Driver):
    frames = Frames(Line(irql=5, vector=0x55, mode=LevelSensitive))
    errors = Errors(Line(irql=6, vector=0x66, mode=LevelSensitive))
    FrameInterrupt = PKINTERRUPT()
    ErrorInterrupt = PKINTERRUPT()
    Number = Bit(0, volatile=True)
    Fate = Bit(0, volatile=True)

    def Start(self):
        # Only the first processor is interrupted, as a legacy controller routes its lines.
        status = IoConnectInterrupt(
            self.FrameInterrupt,
            self.FrameIsr,
            Vector=0x55,
            ProcessorEnableMask=1,
        )
        if not NT_SUCCESS(status):
            return status
        status = IoConnectInterrupt(
            self.ErrorInterrupt,
            self.ErrorIsr,
            Vector=0x66,
            ProcessorEnableMask=1,
        )
        if not NT_SUCCESS(status):
            IoDisconnectInterrupt(self.FrameInterrupt)
            return status
        self.frames.enabled = 1
        self.errors.enabled = 1
        return STATUS_SUCCESS

    def FrameIsr(self, Interrupt, ServiceContext):
        if not self.frames.acknowledge():
            return FALSE
        Next = 1 - self.Number
        self.Number = Next
        self.Fate = Next
        return TRUE

    def ErrorIsr(self, Interrupt, ServiceContext):
        if not self.errors.acknowledge():
            return FALSE
        Number = self.Number
        Fate = self.Fate
        assert Number == Fate, "the fate is that of another frame"
        return TRUE


scenario = Scenario(
    start=Capture.Start,
    processors=[1, 2],
    expect={
        1: Violated("assertion-failed", steps=16, states=1892),
        2: Violated("assertion-failed", steps=16, states=1940),
    },
)
