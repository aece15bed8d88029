"""A network card, fixed: the stop waits for the DPC.

The twin of dpc_initialised_while_queued.py. With the interrupt disconnected nobody queues the DPC
any more, so that KeFlushQueuedDpcs, after that, sees the last of it.

Source: KeFlushQueuedDpcs; "Releasing Driver-Allocated Resources".
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
        KeFlushQueuedDpcs()

    def Rebalance(self):
        """The system stops the device and starts it with other resources."""
        self.StopDevice()
        return self.StartDevice()


scenario = Scenario(
    start=NicDriver.StartDevice,
    concurrently=[NicDriver.Rebalance],
    processors=[1, 2],
    expect={1: Holds(states=1198), 2: Holds(states=1662)},
)
