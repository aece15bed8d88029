"""A smart card reader, fixed: everything the service routine reads exists before it is connected.

The resource list is read to its end first; only then is the interrupt connected. A neighbour's
interrupt may still call the service routine before StartDevice returns. It finds its registers
mapped and its own event bit clear, and declines.

That is all it takes: the rule is not that the service routine must not be called early, but that
an early call must find the device and its context in order.
"""

from dirql.model.wdk import *


class Reader(Device):
    """The reader: a card event and an interrupt enable."""

    event = Bit(0)
    enabled = Bit(0)

    def line(self):
        return self.event and self.enabled

    @hardware
    def card_moves(self):
        self.event = 1


class Pscr(Driver):
    reader = Reader(Line(irql=7, mode=LevelSensitive, shared=True))
    InterruptObject = PKINTERRUPT()
    dpc = KDPC()

    def PscrStartDevice(self):
        KeInitializeDpc(self.dpc, self.PscrDpcRoutine)
        MmMapIoSpace(self.reader)
        status = IoConnectInterrupt(self.InterruptObject, self.PscrIrqServiceRoutine)
        if not NT_SUCCESS(status):
            return status
        self.reader.enabled = 1
        return STATUS_SUCCESS

    def PscrIrqServiceRoutine(self, Interrupt, ServiceContext):
        if not self.reader.event:
            return FALSE
        self.reader.event = 0
        KeInsertQueueDpc(self.dpc)
        return TRUE

    def PscrDpcRoutine(self, Dpc, DeferredContext):
        pass


scenario = Scenario(
    start=Pscr.PscrStartDevice,
    processors=[1, 2],
    expect={1: Holds(states=268), 2: Holds(states=736)},
)
