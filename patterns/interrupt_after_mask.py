"""A network card with message interrupts: one message is under way when the driver masks.

To stop, the driver masks the card and frees the ring of buffers. The interrupt stays connected,
for the card will be started again.

Bug: masking stops the card from sending further messages. A message that was sent before is in
flight, or latched in the interrupt controller, and the service routine runs once more: it walks a
ring that has been freed. Neither a register write nor a pause makes sure of the contrary.

Source: ARMmbed/mbed-os: issue 2242 (an interrupt taken after it was disabled); the same holds for a
message-signalled interrupt that was posted before the mask was written.

In the trace look at the edge that is pending while the driver writes the mask.
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

    def Start(self):
        status = IoConnectInterrupt(self.Interrupt, self.Isr)
        if not NT_SUCCESS(status):
            return status
        self.nic.masked = 0
        return STATUS_SUCCESS

    def Isr(self, Interrupt, ServiceContext):
        """A message is nobody else's: there is nothing to ask the device."""
        self.nic.take_packet()
        self.ring.filled += 1
        return TRUE

    def Stop(self):
        KeSynchronizeExecution(self.Interrupt, self.Mask)
        ExFreePool(self.ring)
        return STATUS_SUCCESS

    def Mask(self, SynchronizeContext):
        self.nic.masked = 1
        return TRUE


scenario = Scenario(
    start=NicDriver.Start,
    concurrently=[NicDriver.Stop],
    processors=[1, 2],
    expect={
        1: Violated("use-after-free", steps=14, states=168),
        2: Violated("use-after-free", steps=14, states=536),
    },
)
