"""A network driver that polls under load, fixed: the pointer is switched under the lock.

The twin of polling_routine_in_isr.py. Masking the device and switching the pointer are one critical
section of the interrupt, so a service routine that finds the device unmasked finds its own routine.

That the service routine never comes to take its own lock rests on two facts that no line states:
whoever holds the interrupt lock keeps the service routine out, and outside the lock the pointer is
the polling routine exactly while the device is masked. dirql prove shows both preserved.

Source: KeSynchronizeExecution; KSERVICE_ROUTINE.
"""

from dirql.model.wdk import *


class Nic(Device):
    """One cause bit, one mask bit."""

    received = Bit(0)
    masked = Bit(1)

    def line(self):
        return self.received and not self.masked

    @hardware
    def packet_arrives(self):
        self.received = 1


class PollingDriver(Driver):
    nic = Nic(Line(irql=7))
    Interrupt = PKINTERRUPT()
    Receive = RoutineReference("ReceiveInIsr", "ReceiveByPolling", volatile=True)

    def Start(self):
        self.Receive = self.ReceiveInIsr
        status = IoConnectInterrupt(self.Interrupt, self.Isr)
        if not NT_SUCCESS(status):
            return status
        self.nic.masked = 0
        return STATUS_SUCCESS

    def Isr(self, Interrupt, ServiceContext):
        if self.nic.masked or not self.nic.received:
            return FALSE
        self.Receive()
        return TRUE

    def ReceiveInIsr(self):
        self.nic.received = 0

    def ReceiveByPolling(self):
        OldIrql = KeAcquireInterruptSpinLock(self.Interrupt)
        self.nic.received = 0
        KeReleaseInterruptSpinLock(self.Interrupt, OldIrql)

    def BeginPolling(self, SynchronizeContext):
        self.nic.masked = 1
        self.Receive = self.ReceiveByPolling
        return TRUE

    def EndPolling(self, SynchronizeContext):
        self.Receive = self.ReceiveInIsr
        self.nic.masked = 0
        return TRUE

    def Poll(self):
        KeSynchronizeExecution(self.Interrupt, self.BeginPolling)
        self.Receive()
        KeSynchronizeExecution(self.Interrupt, self.EndPolling)


scenario = Scenario(
    start=PollingDriver.Start,
    concurrently=[PollingDriver.Poll],
    processors=[1, 2],
    expect={1: Holds(states=223), 2: Holds(states=886)},
)
