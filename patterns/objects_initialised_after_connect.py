"""A modem: what the service routine uses is initialised after the interrupt was connected.

StartDevice connects the interrupt, lets the device speak, and then prepares the DPC, the event, the
lock and the timer that the service routine and the DPC need. A modem does not ring within
microseconds of being enabled.

Bug: sometimes it does. The service routine runs before StartDevice goes on, and queues a DPC object
that holds whatever was in the memory.

Source: IoConnectInterrupt, remarks: the service routine can be called from the connect on, so
everything it uses is set up before; KeInitializeDpc.

In the trace the service routine runs before the objects are initialised.
"""

from dirql.model.wdk import *


class Modem(Device):
    """Rings now and then; reading the status acknowledges."""

    enabled = Bit(0)
    ring = Bit(0)

    def line(self):
        return self.ring and self.enabled

    @hardware
    def telephone_rings(self):
        self.ring = 1

    def acknowledge(self):
        had_rung = self.ring
        self.ring = 0
        return had_rung


class ModemDriver(Driver):
    modem = Modem(Line(irql=4, mode=LevelSensitive))
    Interrupt = PKINTERRUPT()
    RingDpc = KDPC()
    Lock = KSPIN_LOCK()
    Silence = KTIMER()
    Rung = KEVENT(NotificationEvent, FALSE)
    Rings = Int(0, 1)

    def StartDevice(self):
        # Only the first processor is interrupted, as a legacy controller routes its lines.
        status = IoConnectInterrupt(self.Interrupt, self.Isr, ProcessorEnableMask=1)
        if not NT_SUCCESS(status):
            return status
        self.modem.enabled = 1
        self.InitialiseObjects()
        return STATUS_SUCCESS

    def InitialiseObjects(self):
        KeInitializeDpc(self.RingDpc, self.AfterRing)
        KeInitializeSpinLock(self.Lock)
        KeInitializeTimerEx(self.Silence, SynchronizationTimer)
        KeInitializeEvent(self.Rung, NotificationEvent, FALSE)

    def Isr(self, Interrupt, ServiceContext):
        if not self.modem.acknowledge():
            return FALSE
        KeInsertQueueDpc(self.RingDpc)
        return TRUE

    def AfterRing(self, Dpc, DeferredContext):
        KeAcquireSpinLockAtDpcLevel(self.Lock)
        self.Rings = 1
        KeReleaseSpinLockFromDpcLevel(self.Lock)
        KeSetTimer(self.Silence, 1)
        KeSetEvent(self.Rung)

    def WaitForSilence(self):
        KeWaitForSingleObject(self.Rung)
        KeWaitForSingleObject(self.Silence)


scenario = Scenario(
    start=ModemDriver.StartDevice,
    concurrently=[ModemDriver.WaitForSilence],
    processors=[1, 2],
    expect={
        1: Violated("uninitialized-object", steps=6, states=49),
        2: Violated("uninitialized-object", steps=6, states=49),
    },
)
