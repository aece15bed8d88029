"""A network card: the code that reads the transceiver sleeps between two polls, under a spin lock.

The management bus has one address register, so accesses are serialised by a spin lock. The
controller needs some microseconds for each; the driver waits with KeDelayExecutionThread until the
busy bit is clear.

Bug: under a spin lock the thread is at DISPATCH_LEVEL, where no thread can be switched away from.
A sleep is a wait, however short.

Source: KeDelayExecutionThread, requirements, IRQL: at or below APC_LEVEL; "Preventing Errors and
Deadlocks While Using Spin Locks".

In the trace look at the IRQL of the call.
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
            KeDelayExecutionThread(KernelMode, FALSE, LARGE_INTEGER(-1))
        KeReleaseSpinLock(self.BusLock, OldIrql)
        return STATUS_SUCCESS


scenario = Scenario(
    concurrently=[NicDriver.ReadTransceiver, NicDriver.ReadTransceiver],
    processors=[1, 2],
    expect={
        1: Violated("wait-at-dispatch-level", steps=5, states=15),
        2: Violated("wait-at-dispatch-level", steps=5, states=47),
    },
)
