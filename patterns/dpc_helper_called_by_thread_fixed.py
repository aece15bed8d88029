"""A network card, fixed: the thread raises to DISPATCH_LEVEL around the helper of the DPC.

The twin of dpc_helper_called_by_thread.py. Between KeRaiseIrqlToDpcLevel and KeLowerIrql the thread
stands where the helper expects its callers, and the DPC of its own processor stays out.

Source: KeAcquireSpinLockAtDpcLevel, remarks; KeRaiseIrqlToDpcLevel.
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
    StatisticsLock = KSPIN_LOCK()
    Frames = Int(0, 1, saturating=True)

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
        self.CountFrame()

    def CountFrame(self):
        KeAcquireSpinLockAtDpcLevel(self.StatisticsLock)
        self.Frames += 1
        KeReleaseSpinLockFromDpcLevel(self.StatisticsLock)

    def SendLoopback(self):
        OldIrql = KeRaiseIrqlToDpcLevel()
        self.CountFrame()
        KeLowerIrql(OldIrql)
        return STATUS_SUCCESS


scenario = Scenario(
    start=NicDriver.Start,
    concurrently=[NicDriver.SendLoopback],
    processors=[1, 2],
    expect={1: Holds(states=1482), 2: Holds(states=2538)},
)
