"""A network card, fixed: under the spin lock the driver stalls instead of sleeping.

The twin of sleep_under_spin_lock.py. KeStallExecutionProcessor may be called at any IRQL. It burns
the time, so it is for some microseconds only; a longer wait needs a lock that waits instead of
spinning.

Source: KeStallExecutionProcessor, remarks.
"""

from dirql.model.wdk import *


class Transceiver(Device):
    """Is busy for a while after each command."""

    busy = Bit(0)

    def command(self):
        self.busy = 1

    @hardware
    def command_ends(self):
        self.busy = 0


class NicDriver(Driver):
    transceiver = Transceiver()
    BusLock = KSPIN_LOCK()

    def ReadTransceiver(self):
        KeAcquireSpinLock(self.BusLock, OldIrql)
        self.transceiver.command()
        while self.transceiver.busy:
            KeStallExecutionProcessor(10)
        KeReleaseSpinLock(self.BusLock, OldIrql)
        return STATUS_SUCCESS


scenario = Scenario(
    concurrently=[NicDriver.ReadTransceiver, NicDriver.ReadTransceiver],
    processors=[1, 2],
    expect={1: Holds(states=32), 2: Holds(states=86)},
)
