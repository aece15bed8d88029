"""parport, fixed: one request at a time decides about the interrupt and acts upon it.

The twin of parport_double_connect.py. A synchronization event that is signalled at first serves as
a mutex that is held from the look at InterruptRefCount until it has been raised. It keeps
PASSIVE_LEVEL, which the connect call needs; a spin lock or a fast mutex would not. The second
request waits, finds the interrupt connected, and counts.

Source of the faulty driver: parport, the parallel port driver of the Windows DDK.
"""

from dirql.model.wdk import *


class ParallelPort(Device):
    """The port: an interrupt for each byte the printer took, and the enable bit of its register."""

    acknowledged = Bit(0)
    irq_enable = Bit(0)

    def line(self):
        return self.acknowledged and self.irq_enable

    @hardware
    def printer_takes_byte(self):
        self.acknowledged = 1


class Parport(Driver):
    port = ParallelPort(Line(irql=5, mode=LevelSensitive, shared=True))
    InterruptObject = PKINTERRUPT()
    InterruptRefCount = Int(0, 2)
    InterruptMutex = KEVENT(SynchronizationEvent, TRUE)

    def PptConnectInterrupt(self):
        # Only the first processor is interrupted, which is enough for this story.
        return IoConnectInterrupt(
            self.InterruptObject, self.PptInterruptService, ProcessorEnableMask=1
        )

    def PptInterruptService(self, Interrupt, ServiceContext):
        if not self.port.acknowledged:
            return FALSE
        self.port.acknowledged = 0
        return TRUE

    def ConnectInterrupt(self):
        """IOCTL_INTERNAL_PARALLEL_CONNECT_INTERRUPT."""
        KeWaitForSingleObject(self.InterruptMutex)
        status = STATUS_SUCCESS
        if not self.InterruptRefCount:
            status = self.PptConnectInterrupt()
        if NT_SUCCESS(status):
            IoAcquireCancelSpinLock(OldIrql)
            self.InterruptRefCount += 1
            IoReleaseCancelSpinLock(OldIrql)
        KeSetEvent(self.InterruptMutex)
        return status


scenario = Scenario(
    concurrently=[Parport.ConnectInterrupt, Parport.ConnectInterrupt],
    processors=[1, 2],
    expect={
        1: Holds(states=2252),
        2: Holds(states=3572),
    },
)
