"""A scanner board, fixed: a time-out counts only while its timer is signalled.

The twin of ise_timeout_hits_next_request.py. Arming a timer makes it not signalled, so the DPC of
an earlier expiry can tell that a later request is under way.

Source: KeSetTimer, KeReadStateTimer, remarks.
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
        if self.UnderWay and KeReadStateTimer(self.Timer):
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
    expect={1: Holds(states=770), 2: Holds(states=2713)},
)
