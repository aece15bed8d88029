"""A framegrabber's service routine answers whether there was a cause, whatever bit it has.

The twin of claim_cut_to_a_byte.py: the bits are compared with 0, which gives TRUE or FALSE,
before they become a BOOLEAN.

Source: KSERVICE_ROUTINE, return value; the definition of BOOLEAN in ntdef.h.
"""

from dirql.model.wdk import *

OVERRUN = 0x002
FRAME_DONE = 0x100


class Board(Device):
    """A status register with two causes; writing ones back clears them."""

    status = Int(0, 0x1FF)
    enabled = Bit(0)

    def line(self):
        return self.status and self.enabled

    @hardware
    def frame_is_done(self):
        self.status = FRAME_DONE

    @hardware
    def frame_is_lost(self):
        self.status = OVERRUN

    def acknowledge(self):
        found = self.status & (OVERRUN | FRAME_DONE) if self.enabled else 0
        if found:
            self.status = 0
        return found


class FrameGrabber(Driver):
    board = Board(Line(irql=6, mode=LevelSensitive, shared=True))
    Interrupt = PKINTERRUPT()
    FrameDpc = KDPC()

    def StartDevice(self):
        KeInitializeDpc(self.FrameDpc, self.FrameDone)
        status = IoConnectInterrupt(self.Interrupt, self.BoardIsr)
        if not NT_SUCCESS(status):
            return status
        self.board.enabled = 1
        return STATUS_SUCCESS

    def BoardIsr(self, Interrupt, ServiceContext):
        found = self.board.acknowledge()
        if found:
            KeInsertQueueDpc(self.FrameDpc)
        return found != 0

    def FrameDone(self, Dpc, DeferredContext):
        pass

    def RemoveDevice(self):
        if not self.Interrupt:
            return
        self.board.enabled = 0
        IoDisconnectInterrupt(self.Interrupt)
        KeFlushQueuedDpcs()


scenario = Scenario(
    start=FrameGrabber.StartDevice,
    finally_=FrameGrabber.RemoveDevice,
    processors=[1, 2],
    expect={1: Holds(states=592), 2: Holds(states=2622)},
)
