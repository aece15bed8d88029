"""A card reader: the service routine returns what queuing its DPC returned.

The service routine acknowledges the device, queues the DPC and returns the result of that call.

Bug: KeInsertQueueDpc tells whether the DPC was queued now, not whether the device interrupted. When
a second interrupt comes before the DPC has started, the service routine acknowledges it and returns
FALSE. On an unshared vector nobody notices; on a shared level line the neighbours are called in
vain; on a shared latched line, as here, the walk over the service routines may end on this wrong
answer and a neighbour's edge is lost.

Source: the same line is found in KMDF drivers that return WdfInterruptQueueDpcForIsr(Interrupt):
the pscr smart card sample, and Xilinx QDMA (Xilinx/dma_ip_drivers), where the interrupt is a
message and the mistake has no consequence.

In the trace look at the second call of the service routine: the DPC is still queued. (The first
edge is the neighbour's; the walk over a shared latched line calls every service routine.)
"""

from dirql.model.wdk import *


class Reader(Device):
    """A reader with one cause, a moved card; reading the status clears it."""

    enabled = Bit(0)
    card_moved = Bit(0)

    def line(self):
        return self.card_moved and self.enabled

    @hardware
    def card_moves(self):
        self.card_moved = 1

    def read_status(self):
        moved = self.card_moved
        self.card_moved = 0
        return moved


class Pscr(Driver):
    reader = Reader(Line(irql=5, mode=Latched, shared=True))
    Interrupt = PKINTERRUPT()
    Dpc = KDPC()

    def Start(self):
        KeInitializeDpc(self.Dpc, self.PscrEvtInterruptDpc)
        status = IoConnectInterrupt(self.Interrupt, self.PscrEvtInterruptIsr)
        if not NT_SUCCESS(status):
            return status
        self.reader.enabled = 1
        return STATUS_SUCCESS

    def PscrEvtInterruptIsr(self, Interrupt, ServiceContext):
        if not self.reader.read_status():
            return FALSE
        return KeInsertQueueDpc(self.Dpc)

    def PscrEvtInterruptDpc(self, Dpc, DeferredContext):
        pass


scenario = Scenario(
    start=Pscr.Start,
    processors=[1, 2],
    expect={
        1: Violated("handled-but-unclaimed", steps=17, states=516),
        2: Violated("handled-but-unclaimed", steps=16, states=4199),
    },
)
