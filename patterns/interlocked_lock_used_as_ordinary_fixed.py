"""A network card, fixed: the counter is touched by interlocked operations only, without a lock.

The twin of interlocked_lock_used_as_ordinary.py. InterlockedAdd counts; InterlockedExchange reads
and clears in one operation. Both work at any IRQL.

Source: InterlockedAdd; InterlockedExchange.
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
    Bytes = Int(0, 4, saturating=True)

    def Start(self):
        # Only the first processor is interrupted, as a legacy controller routes its lines.
        status = IoConnectInterrupt(self.Interrupt, self.Isr, ProcessorEnableMask=1)
        if not NT_SUCCESS(status):
            return status
        self.nic.enabled = 1
        return STATUS_SUCCESS

    def Isr(self, Interrupt, ServiceContext):
        if not self.nic.acknowledge():
            return FALSE
        InterlockedAdd(self.Bytes, 2)
        return TRUE

    def ReadAndClear(self):
        return InterlockedExchange(self.Bytes, 0)


scenario = Scenario(
    start=NicDriver.Start,
    concurrently=[NicDriver.ReadAndClear],
    processors=[1, 2],
    expect={1: Holds(states=236), 2: Holds(states=244)},
)
