"""A serial card with two ports: two interrupts at one IRQL are taken for one critical section.

Each port of the card has an interrupt of its own, both at the same DIRQL. Each service routine
switches its port's interrupt off, notes the port in PortsToServe and queues one common DPC. The
DPC takes the notes under the lock of the first port's interrupt, serves the ports and switches
them on again.

Bug: neither connect call passes a SpinLock, so each interrupt object has its own. At that IRQL no
other of these routines can interrupt, but on another processor each of them can run: the IRQL
keeps one processor in order, the lock all of them. One update of PortsToServe overwrites the
other, and the port whose note is lost stays switched off for ever.

Source: IoConnectInterrupt in the WDK documentation: a driver whose service routines share data
must supply the lock; "Synchronizing Access to Device Data": interrupts share a critical section
if they share both the spin lock and the synchronization IRQL.

In the trace look at the reads and writes of PortsToServe on the two processors.
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
    PortsToServe = Int(0, 3)
    Dpc = KDPC()

    def StartDevice(self):
        KeInitializeDpc(self.Dpc, self.ServePorts)
        # The first port always interrupts the first processor, to keep the state space small.
        status = IoConnectInterrupt(
            self.FirstInterrupt, self.FirstIsr, Vector=0x51, ProcessorEnableMask=1
        )
        if not NT_SUCCESS(status):
            return status
        status = IoConnectInterrupt(self.SecondInterrupt, self.SecondIsr, Vector=0x52)
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
    expect={1: Holds(states=1452), 2: Violated("unserviced-cause", steps=37, states=7908)},
)
