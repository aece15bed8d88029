"""A network card: a watchdog thread requests the DPC of the service routine.

When nothing has been heard of the card for a while, a thread looks whether sends are to be
completed. The DPC of the service routine does just that, so the thread requests it as the service
routine does.

Bug: IoRequestDpc is for service routines, which call it at DIRQL. A free build queues the DPC from
a thread all the same; Driver Verifier does not let it pass.

Source: IoRequestDpc, requirements (IRQL: DIRQL); KeInsertQueueDpc, which any level may call.

In the trace look at the level of the last line.
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
    Self = DEVICE_OBJECT()
    Interrupt = PKINTERRUPT()

    def Start(self):
        IoInitializeDpcRequest(self.Self, self.DpcForIsr)
        # Only the first processor is interrupted, as a legacy controller routes its lines.
        status = IoConnectInterrupt(self.Interrupt, self.Isr, ProcessorEnableMask=1)
        if not NT_SUCCESS(status):
            return status
        self.nic.enabled = 1
        return STATUS_SUCCESS

    def Isr(self, Interrupt, ServiceContext):
        if not self.nic.acknowledge():
            return FALSE
        IoRequestDpc(self.Self)
        return TRUE

    def DpcForIsr(self, Dpc, DeviceObject, Irp, Context):
        self.CompleteSends()

    def CompleteSends(self):
        pass

    def Watchdog(self):
        IoRequestDpc(self.Self)
        return STATUS_SUCCESS


scenario = Scenario(
    start=NicDriver.Start,
    concurrently=[NicDriver.Watchdog],
    processors=[1, 2],
    expect={
        1: Violated("dpc-requested-outside-isr", steps=5, states=25),
        2: Violated("dpc-requested-outside-isr", steps=5, states=25),
    },
)
