"""A network driver that polls under load: its service routine calls the routine for polling.

In ordinary operation the service routine receives, and owns the interrupt lock. Under load a
thread masks the device and polls; then the receive routine has to take the lock itself. Which of
the two is used stands in a pointer.

Bug: the thread switches the pointer first and masks the device afterwards. An interrupt in between
calls the routine for polling, which takes the interrupt lock that the service routine owns.

Source: KeAcquireInterruptSpinLock and KSERVICE_ROUTINE: a service routine runs with the lock of its
interrupt held; spin locks are not recursive.

In the trace look at what Receive points to when the service routine reads it.
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
        return TRUE

    def EndPolling(self, SynchronizeContext):
        self.Receive = self.ReceiveInIsr
        self.nic.masked = 0
        return TRUE

    def Poll(self):
        self.Receive = self.ReceiveByPolling
        KeSynchronizeExecution(self.Interrupt, self.BeginPolling)
        self.Receive()
        KeSynchronizeExecution(self.Interrupt, self.EndPolling)


scenario = Scenario(
    start=PollingDriver.Start,
    concurrently=[PollingDriver.Poll],
    processors=[1, 2],
    expect={
        1: Violated("recursive-lock-acquire", steps=14, states=140),
        2: Violated("recursive-lock-acquire", steps=14, states=364),
    },
)
