"""A counter of errors, fixed: what a service routine shares is protected by the interrupt lock.

The twin of spin_lock_taken_by_isr.py. The service routine owns the interrupt lock whenever it runs,
so it takes no other; the request clears the counter in a routine of KeSynchronizeExecution, at the
IRQL of the interrupt. That is enough: on its own processor the holder of the lock cannot be
interrupted by the service routine, and another processor's spins only as long as the holder runs.

Source: KeSynchronizeExecution; "Introduction to Spin Locks".
"""

from dirql.model.wdk import *


class Nic(Device):
    """Reports errors, one at a time."""

    enabled = Bit(0)
    error = Bit(0)

    def line(self):
        return self.error and self.enabled

    @hardware
    def bad_frame(self):
        self.error = 1

    def acknowledge(self):
        had_error = self.error
        self.error = 0
        return had_error


class NicDriver(Driver):
    nic = Nic(Line(irql=7, mode=LevelSensitive))
    Interrupt = PKINTERRUPT()
    Errors = Int(0, 1, saturating=True)

    def Start(self):
        status = IoConnectInterrupt(self.Interrupt, self.Isr)
        if not NT_SUCCESS(status):
            return status
        self.nic.enabled = 1
        return STATUS_SUCCESS

    def Isr(self, Interrupt, ServiceContext):
        if not self.nic.acknowledge():
            return FALSE
        self.Errors += 1
        return TRUE

    def ReadStatistics(self):
        KeSynchronizeExecution(self.Interrupt, self.ClearErrors)
        return STATUS_SUCCESS

    def ClearErrors(self, SynchronizeContext):
        self.Errors = 0
        return TRUE


scenario = Scenario(
    start=NicDriver.Start,
    concurrently=[NicDriver.ReadStatistics],
    processors=[1, 2],
    expect={1: Holds(states=244), 2: Holds(states=624)},
)
