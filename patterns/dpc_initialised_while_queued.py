"""A network card: after a stop the next start initialises a DPC that is still queued.

Stop masks the card and disconnects the interrupt; start connects it and initialises what it needs,
the DPC among it. Between the two the device may have got other resources.

Bug: disconnecting waits for service routines, not for what they have queued. The start initialises
a DPC that lies in a processor's queue: its links are overwritten, and the queue ends in nowhere.
With one processor the DPC has run before the thread goes on.

Source: KeInitializeDpc; "Releasing Driver-Allocated Resources"; bug check 0xC7.

In the trace the DPC is queued on one processor while stop and start run on the other.
"""

from dirql.model.wdk import *


class Nic(Device):
    """Receives frames; reading the status acknowledges."""

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
    Dpc = KDPC()
    Frames = Int(0, 1, volatile=True, saturating=True)

    def StartDevice(self):
        KeInitializeDpc(self.Dpc, self.CountFrame)
        # Only the first processor is interrupted, as a legacy controller routes its lines.
        status = IoConnectInterrupt(self.Interrupt, self.Isr, ProcessorEnableMask=1)
        if not NT_SUCCESS(status):
            return status
        self.nic.enabled = 1
        return STATUS_SUCCESS

    def Isr(self, Interrupt, ServiceContext):
        if not self.nic.acknowledge():
            return FALSE
        KeInsertQueueDpc(self.Dpc)
        return TRUE

    def CountFrame(self, Dpc, DeferredContext):
        InterlockedIncrement(self.Frames)

    def StopDevice(self):
        self.nic.enabled = 0
        IoDisconnectInterrupt(self.Interrupt)
        self.Interrupt = NULL

    def Rebalance(self):
        """The system stops the device and starts it with other resources."""
        self.StopDevice()
        return self.StartDevice()


scenario = Scenario(
    start=NicDriver.StartDevice,
    concurrently=[NicDriver.Rebalance],
    processors=[1, 2],
    expect={1: Holds(states=1190), 2: Violated("free-while-queued", steps=16, states=385)},
)
