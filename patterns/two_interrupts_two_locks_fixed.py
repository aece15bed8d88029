"""A serial card with two ports, fixed: both interrupts are connected with one spin lock.

The twin of two_interrupts_two_locks.py. With the same SpinLock and the same SynchronizeIrql the two
interrupts are one critical section: each service routine holds that lock while it changes
PortsToServe, and the DPC takes it through either of the interrupt objects.

Source: IoConnectInterrupt in the WDK documentation: a driver whose service routines share data
must supply the lock; "Synchronizing Access to Device Data".
"""

from dirql.model.wdk import *

FIRST = 1
SECOND = 2


class Port(Device):
    """A serial port: a byte to be read, an interrupt that can be switched off."""

    running = Bit(0)
    enabled = Bit(0)
    received = Bit(0)

    def line(self):
        return self.received and self.enabled

    def waiting(self):
        return self.received

    @hardware
    def byte_arrives(self):
        if self.running:
            self.received = 1

    def start(self):
        self.running = 1
        self.enabled = 1

    def read_iir(self):
        return self.received and self.enabled


class TwoPorts(Driver):
    first = Port(Line(irql=5, vector=0x51, mode=LevelSensitive))
    second = Port(Line(irql=5, vector=0x52, mode=LevelSensitive))
    FirstInterrupt = PKINTERRUPT()
    SecondInterrupt = PKINTERRUPT()
    PortsLock = KSPIN_LOCK()
    PortsToServe = Int(0, 3)
    Dpc = KDPC()

    def StartDevice(self):
        KeInitializeDpc(self.Dpc, self.ServePorts)
        KeInitializeSpinLock(self.PortsLock)
        # The first port always interrupts the first processor, to keep the state space small.
        status = IoConnectInterrupt(
            self.FirstInterrupt,
            self.FirstIsr,
            SpinLock=self.PortsLock,
            Vector=0x51,
            ProcessorEnableMask=1,
        )
        if not NT_SUCCESS(status):
            return status
        status = IoConnectInterrupt(
            self.SecondInterrupt, self.SecondIsr, SpinLock=self.PortsLock, Vector=0x52
        )
        if not NT_SUCCESS(status):
            IoDisconnectInterrupt(self.FirstInterrupt)
            return status
        self.first.start()
        self.second.start()
        return STATUS_SUCCESS

    def FirstIsr(self, Interrupt, ServiceContext):
        if not self.first.read_iir():
            return FALSE
        self.first.enabled = 0
        self.PortsToServe |= FIRST
        KeInsertQueueDpc(self.Dpc)
        return TRUE

    def SecondIsr(self, Interrupt, ServiceContext):
        if not self.second.read_iir():
            return FALSE
        self.second.enabled = 0
        self.PortsToServe |= SECOND
        KeInsertQueueDpc(self.Dpc)
        return TRUE

    def ServePorts(self, Dpc, DeferredContext):
        OldIrql = KeAcquireInterruptSpinLock(self.FirstInterrupt)
        ports = self.PortsToServe
        self.PortsToServe = 0
        KeReleaseInterruptSpinLock(self.FirstInterrupt, OldIrql)
        if ports & FIRST:
            self.first.received = 0
            self.first.enabled = 1
        if ports & SECOND:
            self.second.received = 0
            self.second.enabled = 1


scenario = Scenario(
    start=TwoPorts.StartDevice,
    processors=[1, 2],
    expect={1: Holds(states=1453), 2: Holds(states=46733)},
)
