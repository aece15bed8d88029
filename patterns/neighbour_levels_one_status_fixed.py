"""A capture card, fixed: the two interrupts share one lock at the higher of their levels.

The twin of neighbour_levels_one_status.py. Both connects pass the same spin lock, and the higher
IRQL as SynchronizeIrql: while one service routine runs, the other waits, on every processor.

Source: IO_CONNECT_INTERRUPT_PARAMETERS, SpinLock and SynchronizeIrql.
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
    Lock = KSPIN_LOCK()
    Number = Bit(0, volatile=True)
    Fate = Bit(0, volatile=True)

    def Start(self):
        KeInitializeSpinLock(self.Lock)
        # Only the first processor is interrupted, as a legacy controller routes its lines.
        status = IoConnectInterrupt(
            self.FrameInterrupt,
            self.FrameIsr,
            SpinLock=self.Lock,
            Vector=0x55,
            SynchronizeIrql=6,
            ProcessorEnableMask=1,
        )
        if not NT_SUCCESS(status):
            return status
        status = IoConnectInterrupt(
            self.ErrorInterrupt,
            self.ErrorIsr,
            SpinLock=self.Lock,
            Vector=0x66,
            SynchronizeIrql=6,
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
    expect={1: Holds(states=1916), 2: Holds(states=2004)},
)
