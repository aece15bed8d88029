"""pscr: a count of interrupts falls below zero, and one event is swallowed.

The smart card reader interrupts when a card is moved, and holds what it has to say about that (its
freeze data) until it is asked. The service routine adds one to PendingInterrupts and queues the
DPC. The DPC asks the reader, takes one off the count, and does so again as long as the count is
above zero.

Bug: the DPC asks before it counts, so it asks at least once whatever the count is. An interrupt
that comes while the DPC is running adds one, which the running DPC will serve, and queues the DPC
again, which finds nothing left: it asks in vain, and the count becomes -1. The next time two
interrupts come before the DPC starts, the count says one. The reader goes on holding the second
one's data, and the driver does not know that the card is gone.

Source: Windows-driver-samples smartcrd/pscr, pscrnt.c (PscrIrqServiceRoutine, PscrEvtInterruptDpc).

In the trace look at PendingInterrupts: 2 with one DPC queued and one running, then -1, and much
later 1 with two events in the reader. The reader raises its line anew for each event, after the
service routine has been called for the last one; it sees four events here.

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
    PendingInterrupts = Int(-4, 4)

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
        again = TRUE
        while again:
            self.reader.read_freeze_data()
            again = InterlockedDecrement(self.PendingInterrupts) > 0


scenario = Scenario(
    start=Pscr.PscrStartDevice,
    processors=[1, 2],
    knobs={"spurious_calls": "no"},
    expect={
        1: Violated("unserviced-cause", steps=47, states=351),
        2: Violated("unserviced-cause", steps=47, states=4205),
    },
)
