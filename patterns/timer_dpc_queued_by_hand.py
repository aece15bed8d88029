"""A card reader: one DPC object is given to the time-out's timer and queued by the service routine.

Each interrupt says that a byte of the card has come, and the DPC fetches it. A timer counts ticks
while a card is read, so that a card that is pulled out half-way ends the read. Both end up in the
same routine, which looks for a byte and counts a tick.

Bug: both are given the same DPC object. It is in the queue once, whoever put it there: a tick that
finds it queued is gone, and so is an interrupt. Nobody is told, for an expiry has no result.

Source: "Using a CustomTimerDpc routine": a driver must not use one DPC object for both KeSetTimer
and KeInsertQueueDpc.

The trace ends at the second use of the object; that a tick meets an interrupt takes luck.
"""

from dirql.model.wdk import *


class Reader(Device):
    """Has a byte of the card; reading it acknowledges."""

    enabled = Bit(0)
    byte = Bit(0)

    def line(self):
        return self.byte and self.enabled

    @hardware
    def byte_comes(self):
        self.byte = 1

    def fetch(self):
        had_byte = self.byte
        self.byte = 0
        return had_byte


class CardReader(Driver):
    reader = Reader(Line(irql=6, mode=LevelSensitive))
    Interrupt = PKINTERRUPT()
    Dpc = KDPC()
    Tick = KTIMER()
    Bytes = Int(0, 1, saturating=True, volatile=True)

    def Start(self):
        KeInitializeTimer(self.Tick)
        KeInitializeDpc(self.Dpc, self.ReadCard)
        # Only the first processor is interrupted, as a legacy controller routes its lines.
        status = IoConnectInterrupt(self.Interrupt, self.Isr, ProcessorEnableMask=1)
        if not NT_SUCCESS(status):
            return status
        self.reader.enabled = 1
        return STATUS_SUCCESS

    def Isr(self, Interrupt, ServiceContext):
        if not self.reader.fetch():
            return FALSE
        InterlockedExchange(self.Bytes, 1)
        KeInsertQueueDpc(self.Dpc)
        return TRUE

    def ReadCard(self, Dpc, DeferredContext):
        InterlockedExchange(self.Bytes, 0)

    def Read(self):
        KeSetTimerEx(self.Tick, 100, 100, self.Dpc)
        KeCancelTimer(self.Tick)


scenario = Scenario(
    start=CardReader.Start,
    concurrently=[CardReader.Read],
    processors=[1, 2],
    expect={
        1: Violated("dpc-argument-lost", steps=12, states=148),
        2: Violated("dpc-argument-lost", steps=12, states=241),
    },
)
