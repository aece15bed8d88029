"""parport: two class drivers ask for the interrupt at once, and it is connected twice.

parport connects the interrupt of the parallel port when the first class driver asks for it, and
counts: the second only raises InterruptRefCount, the last one to go disconnects. The count is
guarded by the cancel spin lock. Connecting needs PASSIVE_LEVEL, so the driver gives the lock back
for the connect call and takes it again to raise the count.

Bug: a decision made under a lock is acted upon after it was given back. Two requests both find the
count at zero and both connect. The second object overwrites the pointer to the first, which nobody
can disconnect any more: its service routine stays connected after the last class driver has gone.

Source: parport, the parallel port driver of the Windows DDK (PptConnectInterrupt and its caller,
IOCTL_INTERNAL_PARALLEL_CONNECT_INTERRUPT). The sample fail_driver1 of the SDV samples connects in
every Create, with the same result.

In the trace look at the two threads that read InterruptRefCount before either has connected. It
takes no second processor.
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
        IoAcquireCancelSpinLock(OldIrql)
        if not self.InterruptRefCount:
            IoReleaseCancelSpinLock(OldIrql)
            status = self.PptConnectInterrupt()
            if not NT_SUCCESS(status):
                return status
            IoAcquireCancelSpinLock(OldIrql)
        self.InterruptRefCount += 1
        IoReleaseCancelSpinLock(OldIrql)
        return STATUS_SUCCESS


scenario = Scenario(
    concurrently=[Parport.ConnectInterrupt, Parport.ConnectInterrupt],
    processors=[1, 2],
    expect={
        1: Violated("connect-overwrites-live-interrupt", steps=13, states=916),
        2: Violated("connect-overwrites-live-interrupt", steps=13, states=2268),
    },
)
