"""A scanner board: the time-out of one request ends the next one.

The board works on one request at a time. Beginning one arms a timer; the DPC for the board's answer
cancels the timer and begins the next request if one waits, which arms the same timer again. The
timer's DPC ends the request that is under way, with an error.

Bug: KeCancelTimer takes a timer out of the timer queue, and leaves its DPC in the DPC queue if the
timer has expired. That DPC runs when the next request is under way, and ends it: its buffer goes
back to the application while the board still writes into it.

Source: the driver of the Picture Elements ISE board, sys-2000/ise.c, as of commit d04dea6, found by
reading; KeCancelTimer, remarks.

The assertion says that a request is not ended before its own time is up. In the trace the timer
expires just before the answer comes.
"""

from dirql.model.wdk import *


class Board(Device):
    """Answers a request; taking the answer acknowledges."""

    working = Bit(0)
    answer = Bit(0)

    def line(self):
        return self.answer

    @hardware
    def request_is_done(self):
        if self.working:
            self.working = 0
            self.answer = 1

    def take_answer(self):
        had_answer = self.answer
        self.answer = 0
        return had_answer


class Scanner(Driver):
    board = Board(Line(irql=6, mode=LevelSensitive))
    Interrupt = PKINTERRUPT()
    Lock = KSPIN_LOCK()
    AnswerDpc = KDPC()
    TimeOutDpc = KDPC()
    Timer = KTIMER()
    UnderWay = Int(0, 2)

    def Start(self):
        KeInitializeSpinLock(self.Lock)
        KeInitializeDpc(self.AnswerDpc, self.AnswerCame)
        KeInitializeDpc(self.TimeOutDpc, self.TimeIsUp)
        KeInitializeTimer(self.Timer)
        # Only the first processor is interrupted, as a legacy controller routes its lines.
        return IoConnectInterrupt(self.Interrupt, self.Isr, ProcessorEnableMask=1)

    def Isr(self, Interrupt, ServiceContext):
        if not self.board.take_answer():
            return FALSE
        KeInsertQueueDpc(self.AnswerDpc)
        return TRUE

    def BeginRequest(self, number):
        self.UnderWay = number
        KeSetTimer(self.Timer, 10, self.TimeOutDpc)
        self.board.working = 1

    def AnswerCame(self, Dpc, DeferredContext):
        KeAcquireSpinLockAtDpcLevel(self.Lock)
        if self.UnderWay == 1:
            KeCancelTimer(self.Timer)
            self.BeginRequest(2)
        elif self.UnderWay == 2:
            KeCancelTimer(self.Timer)
            self.UnderWay = 0
        KeReleaseSpinLockFromDpcLevel(self.Lock)

    def TimeIsUp(self, Dpc, DeferredContext):
        KeAcquireSpinLockAtDpcLevel(self.Lock)
        if self.UnderWay:
            own = KeReadStateTimer(self.Timer)
            assert own, "the request is ended by the time-out of an earlier one"
            self.UnderWay = 0
        KeReleaseSpinLockFromDpcLevel(self.Lock)

    def Scan(self):
        KeAcquireSpinLock(self.Lock, OldIrql)
        self.BeginRequest(1)
        KeReleaseSpinLock(self.Lock, OldIrql)


scenario = Scenario(
    start=Scanner.Start,
    concurrently=[Scanner.Scan],
    processors=[1, 2],
    expect={
        1: Violated("assertion-failed", steps=33, states=470),
        2: Violated("assertion-failed", steps=33, states=1089),
    },
)
