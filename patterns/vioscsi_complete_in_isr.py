"""virtio-win vioscsi: requests are completed in the service routine.

With message-signalled interrupts vioscsi completes requests in a DPC. On a line-based interrupt its
service routine did it on the spot. Completing a large request frees the memory of its descriptor
list, and the port driver's allocator takes a spin lock of its own.

Bug: the allocator is made for callers up to DISPATCH_LEVEL, who hold its lock at that level. When
the service routine interrupts one of them on the same processor and frees memory as well, it spins
for a lock whose owner lies below it. Guests hung in one of eight migrations.

Source: virtio-win/kvm-guest-drivers-windows: pull request 533 (moves the completion into the DPC).

StorPortFreeContiguousMemorySpecifyCache is written here as what matters of it: a spin lock. In the
trace look at the thread that owns the lock when the interrupt comes.
"""

from dirql.model.wdk import *


class ScsiAdapter(Device):
    """A completion sets the interrupt status; reading it clears it."""

    running = Bit(0)
    isr_status = Bit(0)

    def line(self):
        return self.isr_status

    @hardware
    def request_completes(self):
        if self.running:
            self.isr_status = 1

    def read_isr_status(self):
        status = self.isr_status
        self.isr_status = 0
        return status


class VioScsi(Driver):
    adapter = ScsiAdapter(Line(irql=7, mode=LevelSensitive))
    Interrupt = PKINTERRUPT()
    CompleteDpc = KDPC()
    AllocatorLock = KSPIN_LOCK()

    def VioScsiHwInitialize(self):
        KeInitializeDpc(self.CompleteDpc, self.VioScsiCompleteDpcRoutine)
        status = IoConnectInterrupt(self.Interrupt, self.VioScsiInterrupt)
        if not NT_SUCCESS(status):
            return status
        self.adapter.running = 1
        return STATUS_SUCCESS

    def VioScsiInterrupt(self, Interrupt, ServiceContext):
        if not self.adapter.read_isr_status():
            return FALSE
        self.CompleteRequest()
        return TRUE

    def VioScsiCompleteDpcRoutine(self, Dpc, DeferredContext):
        self.CompleteRequest()

    def CompleteRequest(self):
        self.StorPortFreeContiguousMemorySpecifyCache()

    def StorPortFreeContiguousMemorySpecifyCache(self):
        KeAcquireSpinLockAtDpcLevel(self.AllocatorLock)
        KeReleaseSpinLockFromDpcLevel(self.AllocatorLock)

    def VioScsiBuildIo(self):
        """The allocation for the next request, at DISPATCH_LEVEL."""
        KeAcquireSpinLockAtDpcLevel(self.AllocatorLock)
        KeReleaseSpinLockFromDpcLevel(self.AllocatorLock)


scenario = Scenario(
    start=VioScsi.VioScsiHwInitialize,
    concurrently=[At(DISPATCH_LEVEL, VioScsi.VioScsiBuildIo)],
    processors=[1, 2],
    expect={
        1: Violated("preemption-deadlock", steps=10, states=75),
        2: Violated("preemption-deadlock", steps=10, states=199),
    },
)
