"""A network card: two DPCs share a counter, because both always ran on the same processor.

The card's interrupt goes to the first processor only, and the service routine queues both DPCs
there. DPCs on one processor run one after the other, so the author saw no need for a lock around
the count of free descriptors.

Bug: that a DPC without a target runs where it was queued is what Windows does, not what it
promises. With the knob dpc_any_cpu, in the scenario "anywhere", the two run at the same time; in
"here" the pattern holds.

Source: "Introduction to DPC Objects"; KeSetTargetProcessorDpc.

In the trace look at the two DPCs on two processors.
"""

from dirql.model.wdk import *


class Nic(Device):
    """Receives frames; reading the status register acknowledges."""

    enabled = Bit(0)
    received = Bit(0)

    def line(self):
        return self.received and self.enabled

    @hardware
    def frame_arrives(self):
        self.received = 1

    def acknowledge(self):
        was_received = self.received
        self.received = 0
        return was_received


class NicDriver(Driver):
    nic = Nic(Line(irql=7, mode=LevelSensitive))
    Interrupt = PKINTERRUPT()
    ReceiveDpc = KDPC()
    TransmitDpc = KDPC()
    Free = Int(0, 3, wrapping=True)

    def Start(self):
        KeInitializeDpc(self.ReceiveDpc, self.Received)
        KeInitializeDpc(self.TransmitDpc, self.Transmitted)
        # Only the first processor is interrupted, as a legacy controller routes its lines.
        status = IoConnectInterrupt(self.Interrupt, self.Isr, ProcessorEnableMask=1)
        if not NT_SUCCESS(status):
            return status
        self.nic.enabled = 1
        return STATUS_SUCCESS

    def Isr(self, Interrupt, ServiceContext):
        if not self.nic.acknowledge():
            return FALSE
        self.nic.enabled = 0
        KeInsertQueueDpc(self.ReceiveDpc)
        KeInsertQueueDpc(self.TransmitDpc)
        return TRUE

    def Received(self, Dpc, DeferredContext):
        self.AddFree()

    def Transmitted(self, Dpc, DeferredContext):
        self.AddFree()

    def AddFree(self):
        self.Free += 1


scenarios = [
    Scenario(
        name="here",
        start=NicDriver.Start,
        processors=[1, 2],
        expect={1: Holds(states=3988), 2: Holds(states=6164)},
    ),
    Scenario(
        name="anywhere",
        start=NicDriver.Start,
        processors=[1, 2],
        knobs={"dpc_any_cpu": "yes"},
        expect={1: Holds(states=5012), 2: Violated("data-race", steps=15, states=126788)},
    ),
]
