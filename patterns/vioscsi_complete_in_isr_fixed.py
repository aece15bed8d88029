"""virtio-win vioscsi, fixed: the service routine leaves the completion to the DPC.

The twin of vioscsi_complete_in_isr.py. The service routine acknowledges the device and queues the
DPC that the message-signalled path has always used. That is enough, because now everybody takes
the allocator's lock at DISPATCH_LEVEL: on one processor its holder is not interrupted by anyone
who wants it, and on another processor a spinner waits for somebody who runs.

Source: virtio-win/kvm-guest-drivers-windows: pull request 533.
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
        KeInsertQueueDpc(self.CompleteDpc)
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
    expect={1: Holds(states=411), 2: Holds(states=4743)},
)
