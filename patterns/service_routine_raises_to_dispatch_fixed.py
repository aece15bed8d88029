"""A network card, fixed: the receiver is restarted by the DPC, not by the service routine.

The twin of service_routine_raises_to_dispatch.py. The DPC runs at DISPATCH_LEVEL, and raising to
the level one is at does nothing; KeLowerIrql goes back to it. Callers at PASSIVE_LEVEL and at
DISPATCH_LEVEL can share the helper, callers at DIRQL cannot.

Source: KeRaiseIrql; KeLowerIrql.
"""

from dirql.model.wdk import *


class Nic(Device):
    """Stops receiving at an error, and says so; reading the status acknowledges."""

    enabled = Bit(0)
    stopped = Bit(0)
    receiving = Bit(0)

    def line(self):
        return self.stopped and self.enabled

    @hardware
    def receiver_stops(self):
        if self.receiving:
            self.receiving = 0
            self.stopped = 1

    def acknowledge(self):
        had_stopped = self.stopped
        self.stopped = 0
        return had_stopped


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
        self.RestartReceiver()

    def RestartReceiver(self):
        KeRaiseIrql(DISPATCH_LEVEL, OldIrql)
        self.nic.receiving = 1
        KeLowerIrql(OldIrql)

    def SetInformation(self):
        self.RestartReceiver()
        return STATUS_SUCCESS


scenario = Scenario(
    start=NicDriver.Start,
    concurrently=[NicDriver.SetInformation],
    processors=[1, 2],
    expect={1: Holds(states=104), 2: Holds(states=165)},
)
