"""A smart card reader: the interrupt is connected before the ports are known.

The driver walks its resource list and handles each entry as it comes. When the interrupt comes
before the I/O ports, the service routine is connected while the register base is still unset
(mapping the registers stands for it here). The line is shared, so the next interrupt of any
neighbour calls the service routine, and it reads a register that is not there.

Source: pscr (SCM smart card reader), WDM, of the Windows DDK, PscrStartDevice; and "Design
Guidelines for Starting Devices": a service routine can be called as soon as it is connected.

In the trace: the reader itself does nothing at all. The interrupt is the neighbour's.
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
        status = IoConnectInterrupt(self.InterruptObject, self.PscrIrqServiceRoutine)
        if not NT_SUCCESS(status):
            return status
        MmMapIoSpace(self.reader)
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
    expect={
        1: Violated("use-after-unmap", steps=6, states=71),
        2: Violated("use-after-unmap", steps=6, states=125),
    },
)
