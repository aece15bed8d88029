"""A network card with message interrupts, fixed: the driver remembers that it has stopped.

The twin of interrupt_after_mask.py. Stop masks the card and sets Stopped in one critical section of
the interrupt; the service routine looks at Stopped before it touches the ring. A late message is
then served by doing nothing. That is enough, because the service routine that came before has
ended when the critical section begins, and every later one sees the flag.

Source: ARMmbed/mbed-os: issue 2242.
"""

from dirql.model.wdk import *


class Nic(Device):
    """Latched: a message is sent when a packet arrives while unmasked."""

    masked = Bit(1)
    packet = Bit(0)

    def line(self):
        return self.packet and not self.masked

    @hardware
    def packet_arrives(self):
        self.packet = 1

    def take_packet(self):
        self.packet = 0


class Ring(Structure):
    filled = Int(0, 1, saturating=True)


class NicDriver(Driver):
    nic = Nic(Line(irql=9, mode=Latched))
    Interrupt = PKINTERRUPT()
    ring = Ring()
    Stopped = Bit(0)

    def Start(self):
        status = IoConnectInterrupt(self.Interrupt, self.Isr)
        if not NT_SUCCESS(status):
            return status
        self.nic.masked = 0
        return STATUS_SUCCESS

    def Isr(self, Interrupt, ServiceContext):
        """A message is nobody else's: there is nothing to ask the device."""
        if self.Stopped:
            return TRUE
        self.nic.take_packet()
        self.ring.filled += 1
        return TRUE

    def Stop(self):
        KeSynchronizeExecution(self.Interrupt, self.Mask)
        ExFreePool(self.ring)
        return STATUS_SUCCESS

    def Mask(self, SynchronizeContext):
        self.nic.masked = 1
        self.Stopped = TRUE
        return TRUE


scenario = Scenario(
    start=NicDriver.Start,
    concurrently=[NicDriver.Stop],
    processors=[1, 2],
    expect={1: Holds(states=239), 2: Holds(states=930)},
)
