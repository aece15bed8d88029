"""A framegrabber's service routine answers with the status bits, the ninth bit among them.

BoardIsr masks the status register with the causes it knows, writes them back, which clears them,
and returns what it found. The first board had its causes in the low byte. The new one has "frame
done" in bit 8.

Bug: BOOLEAN is an unsigned char, so 0x100 is returned as 0, FALSE. The board is served, its line
falls, and the interrupt is reported as somebody else's. On the shared line of a PCI slot all
other service routines are called in vain, and storm detection counts an interrupt that nobody
owned. Compilers say nothing at their usual level: the value is no constant.
Source: KSERVICE_ROUTINE, return value; the definition of BOOLEAN in ntdef.h.

In the trace look at what the register held, and at the answer.
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
        return found

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
    expect={
        1: Violated("handled-but-unclaimed", steps=10, states=272),
        2: Violated("handled-but-unclaimed", steps=10, states=631),
    },
)
