"""A network card, fixed: the lock is given back before the frame is handed up.

The twin of indication_under_lock.py. The frame is taken off the list under the lock, so it belongs
to the DPC alone when it is handed up, and nothing of the driver's is locked while somebody else's
code runs.

Source: NDIS, "Synchronization and Notification in Network Drivers".
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
    Lock = KSPIN_LOCK()
    Received = Int(0, 1)
    Sent = Int(0, 1, saturating=True)

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
        KeAcquireSpinLock(self.Lock, OldIrql)
        self.Received = 1
        self.Received = 0
        KeReleaseSpinLock(self.Lock, OldIrql)
        self.IndicateReceive()

    def IndicateReceive(self):
        """The protocol driver: it answers some frames."""
        if choose(0, 1):
            self.Send()

    def Send(self):
        KeAcquireSpinLock(self.Lock, OldIrql)
        self.Sent += 1
        KeReleaseSpinLock(self.Lock, OldIrql)


scenario = Scenario(
    start=NicDriver.Start,
    concurrently=[NicDriver.Send],
    processors=[1, 2],
    expect={1: Holds(states=2414), 2: Holds(states=3822)},
)
