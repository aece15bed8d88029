"""A card reader, fixed: the service routine returns TRUE when its device interrupted.

The twin of claim_is_queue_result.py. The result of queuing the DPC is ignored, as it should be: a
DPC that is queued already will see this event too. The answer depends on the status register and
on nothing else.

Source of the driver: the pscr smart card sample; Xilinx/dma_ip_drivers (QDMA).
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
        KeInsertQueueDpc(self.Dpc)
        return TRUE

    def PscrEvtInterruptDpc(self, Dpc, DeferredContext):
        pass


scenario = Scenario(
    start=Pscr.Start,
    processors=[1, 2],
    expect={1: Holds(states=663), 2: Holds(states=15873)},
)
