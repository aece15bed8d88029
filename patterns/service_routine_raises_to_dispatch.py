"""A network card: the service routine calls a helper that raises to DISPATCH_LEVEL.

RestartReceiver writes two registers and must not be delayed in between, so it raises to
DISPATCH_LEVEL first. Threads call it after a change of settings. The service routine calls it too,
when the receiver has stopped.

Bug: the service routine runs at the device's IRQL, far above DISPATCH_LEVEL. Raising "to" a level
below the current one would let in everything that the interrupt keeps out; Windows stops.

Source: KeRaiseIrql: the new level is not below the current one, else a bug check.

In the trace look at the IRQL of the call.
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
        self.RestartReceiver()
        return TRUE

    def DpcForIsr(self, Dpc, DeviceObject, Irp, Context):
        """Nothing is left to do."""

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
    expect={
        1: Violated("irql-raised-downwards", steps=11, states=50),
        2: Violated("irql-raised-downwards", steps=11, states=68),
    },
)
