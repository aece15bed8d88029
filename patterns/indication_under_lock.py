"""A network card: a frame is handed up with the lock held, and the answer comes back down.

The DPC walks the receive list under the driver's spin lock and hands each frame to the protocol
driver. A protocol that wants to answer calls Send from its receive handler, in the same DPC.

Bug: Send takes the same lock. Spin locks do not know their owner; the second acquisition waits for
the first to end. One processor, one frame that is answered.

Source: KeAcquireSpinLock: a lock is not acquired recursively; NDIS, "Synchronization and
Notification in Network Drivers": no lock is held while frames are indicated.

In the trace look at the two acquisitions in one DPC.
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
        self.IndicateReceive()
        self.Received = 0
        KeReleaseSpinLock(self.Lock, OldIrql)

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
    expect={
        1: Violated("recursive-lock-acquire", steps=13, states=213),
        2: Violated("recursive-lock-acquire", steps=13, states=293),
    },
)
