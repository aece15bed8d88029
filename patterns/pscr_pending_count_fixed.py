"""pscr, fixed: the DPC takes the whole count at once, and asks as often as it says.

The twin of pscr_pending_count.py. InterlockedExchange gives the DPC everything that has been
counted so far and leaves zero, so each interrupt is counted and taken exactly once. A DPC that
finds zero has nothing to do, and the count has no way to fall below it.

Source of the faulty DPC: Windows-driver-samples smartcrd/pscr, pscrnt.c.

The service routine does not ask the reader, so a spurious call counts as well: the DPC asks once
more, in vain. Calls without end would need a count without end; the scenario leaves them out.
"""

from dirql.model.wdk import *


class Reader(Device):
    """The reader: a pulse for each event, and the data of the events until somebody asks."""

    enabled = Bit(0)
    pulse = Bit(0)
    events = Int(0, 2)
    moves = Int(0, 4)

    def line(self):
        return self.pulse

    def waiting(self):
        return self.events

    @hardware
    def card_moves(self):
        if self.enabled and not self.pulse and self.events < 2 and self.moves < 4:
            self.moves += 1
            self.events += 1
            self.pulse = 1

    def interrupt_taken(self):
        self.pulse = 0

    def read_freeze_data(self):
        if self.events:
            self.events -= 1


class Pscr(Driver):
    reader = Reader(Line(irql=5, mode=Latched))
    PhysicalDevice = DEVICE_OBJECT()
    Interrupt = PKINTERRUPT()
    Dpc = KDPC()
    PendingInterrupts = Int(-2, 4)

    def PscrStartDevice(self):
        KeInitializeDpc(self.Dpc, self.PscrEvtInterruptDpc)
        parameters = IO_CONNECT_INTERRUPT_PARAMETERS()
        parameters.Version = CONNECT_FULLY_SPECIFIED
        parameters.FullySpecified.PhysicalDeviceObject = self.PhysicalDevice
        parameters.FullySpecified.InterruptObject = self.Interrupt
        parameters.FullySpecified.ServiceRoutine = self.PscrIrqServiceRoutine
        status = IoConnectInterruptEx(parameters)
        if not NT_SUCCESS(status):
            return status
        self.reader.enabled = 1
        return STATUS_SUCCESS

    def PscrIrqServiceRoutine(self, Interrupt, ServiceContext):
        self.reader.interrupt_taken()
        InterlockedIncrement(self.PendingInterrupts)
        KeInsertQueueDpc(self.Dpc)
        return TRUE

    def PscrEvtInterruptDpc(self, Dpc, Context):
        pending: Int(0, 4) = InterlockedExchange(self.PendingInterrupts, 0)
        while pending:
            self.reader.read_freeze_data()
            pending -= 1


scenario = Scenario(
    start=Pscr.PscrStartDevice,
    processors=[1, 2],
    knobs={"spurious_calls": "no"},
    expect={1: Holds(states=201), 2: Holds(states=1364)},
)
