"""A network card, fixed: the watchdog thread has a DPC of its own, queued by KeInsertQueueDpc.

The twin of dpc_requested_by_watchdog.py. Both DPCs do the same work; the routine that queues the
second may be called at any level.

Source: KeInsertQueueDpc; IoRequestDpc, requirements.
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
    WatchdogDpc = KDPC()

    def Start(self):
        IoInitializeDpcRequest(self.Self, self.DpcForIsr)
        KeInitializeDpc(self.WatchdogDpc, self.DpcForWatchdog)
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

    def DpcForWatchdog(self, Dpc, DeferredContext):
        self.CompleteSends()

    def CompleteSends(self):
        pass

    def Watchdog(self):
        KeInsertQueueDpc(self.WatchdogDpc)
        return STATUS_SUCCESS


scenario = Scenario(
    start=NicDriver.Start,
    concurrently=[NicDriver.Watchdog],
    processors=[1, 2],
    expect={
        1: Holds(states=200),
        2: Holds(states=244),
    },
)
