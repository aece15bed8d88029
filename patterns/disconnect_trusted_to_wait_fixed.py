"""A network card, fixed: after masking, a DPC on each processor shows that no service routine runs.

The twin of disconnect_trusted_to_wait.py. A DPC that is targeted at a processor starts when that
processor is below the level of every interrupt, so a service routine that had begun there has
ended. The card is masked, so none begins. Taking the interrupt lock once would not be enough: a
service routine that was accepted before the mask may still be on its way to the lock.

Source: KeSetTargetProcessorDpc; IoDisconnectInterrupt.
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
    Interrupt = PKINTERRUPT()
    FirstDpc = KDPC()
    SecondDpc = KDPC()
    FirstIdle = KEVENT(NotificationEvent, FALSE)
    SecondIdle = KEVENT(NotificationEvent, FALSE)

    def Start(self):
        KeInitializeDpc(self.FirstDpc, self.OnFirst)
        KeSetTargetProcessorDpc(self.FirstDpc, 0)
        KeInitializeDpc(self.SecondDpc, self.OnSecond)
        KeSetTargetProcessorDpc(self.SecondDpc, 1)
        status = IoConnectInterrupt(self.Interrupt, self.Isr)
        if not NT_SUCCESS(status):
            return status
        self.nic.enabled = 1
        return STATUS_SUCCESS

    def Isr(self, Interrupt, ServiceContext):
        return self.nic.acknowledge()

    def OnFirst(self, Dpc, DeferredContext):
        KeSetEvent(self.FirstIdle)

    def OnSecond(self, Dpc, DeferredContext):
        KeSetEvent(self.SecondIdle)

    def Halt(self):
        self.nic.enabled = 0
        KeInsertQueueDpc(self.FirstDpc)
        KeInsertQueueDpc(self.SecondDpc)
        KeWaitForSingleObject(self.FirstIdle)
        KeWaitForSingleObject(self.SecondIdle)
        IoDisconnectInterrupt(self.Interrupt)
        self.Interrupt = NULL


scenarios = [
    Scenario(
        name="waits",
        start=NicDriver.Start,
        concurrently=[NicDriver.Halt],
        processors=[1, 2],
        expect={1: Holds(states=378), 2: Holds(states=1012)},
    ),
    Scenario(
        name="returns",
        start=NicDriver.Start,
        concurrently=[NicDriver.Halt],
        processors=[1, 2],
        knobs={"disconnect_waits_for_isr": "no"},
        expect={1: Holds(states=80), 2: Holds(states=264)},
    ),
]
