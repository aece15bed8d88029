"""A modem, fixed: every object is initialised before the interrupt is connected.

The twin of objects_initialised_after_connect.py.

Source: IoConnectInterrupt, remarks; KeInitializeDpc; KeInitializeEvent; KeInitializeTimerEx.
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
        self.InitialiseObjects()
        # Only the first processor is interrupted, as a legacy controller routes its lines.
        status = IoConnectInterrupt(self.Interrupt, self.Isr, ProcessorEnableMask=1)
        if not NT_SUCCESS(status):
            return status
        self.modem.enabled = 1
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
    expect={1: Holds(states=4620), 2: Holds(states=5128)},
)
