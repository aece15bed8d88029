"""A card reader, fixed: the timer has a DPC object of its own.

The twin of timer_dpc_queued_by_hand.py. Both objects run the same routine, which may now do so on
two processors at once: what it touches is exchanged atomically.

Source: "Using a CustomTimerDpc routine".
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
    TickDpc = KDPC()
    Tick = KTIMER()
    Bytes = Int(0, 1, saturating=True, volatile=True)

    def Start(self):
        KeInitializeTimer(self.Tick)
        KeInitializeDpc(self.Dpc, self.ReadCard)
        KeInitializeDpc(self.TickDpc, self.ReadCard)
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
        KeSetTimerEx(self.Tick, 100, 100, self.TickDpc)
        KeCancelTimer(self.Tick)


scenario = Scenario(
    start=CardReader.Start,
    concurrently=[CardReader.Read],
    processors=[1, 2],
    expect={1: Holds(states=1122), 2: Holds(states=2420)},
)
