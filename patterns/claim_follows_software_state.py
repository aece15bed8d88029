"""A virtio SCSI adapter: once the driver calls it removed, its interrupts are nobody's.

The service routine of the adapter reads the interrupt status, which acknowledges the interrupt and
lowers the line. While the adapter is being stopped it first looks at bRemoved and leaves.

Bug: a level line is lowered by the device, not by the driver's opinion of it. Between the store to
bRemoved and the reset of the device a completion raises the line; the service routine returns
FALSE without touching the device, the line stays up, and the vector fires again at once. On one
processor the stopping thread never gets to the reset. The same shape: a power state that is stored
before the device is masked.

Source: virtio-win/kvm-guest-drivers-windows: vioscsi/vioscsi.c (VioScsiInterrupt, bRemoved);
whether a host completes anything at that point was not checked. xenbus had such a storm at
start-up.

In the trace look at the service routine: it returns before its only read of a register.
"""

from dirql.model.wdk import *


class ScsiAdapter(Device):
    """A completion sets the interrupt status; reading it clears it; a reset silences the device."""

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

    def reset(self):
        self.running = 0
        self.isr_status = 0


class VioScsi(Driver):
    adapter = ScsiAdapter(Line(irql=7, mode=LevelSensitive, shared=True))
    Interrupt = PKINTERRUPT()
    CompleteDpc = KDPC()
    bRemoved = Bit(0)

    def VioScsiHwInitialize(self):
        KeInitializeDpc(self.CompleteDpc, self.VioScsiCompleteDpcRoutine)
        status = IoConnectInterrupt(self.Interrupt, self.VioScsiInterrupt)
        if not NT_SUCCESS(status):
            return status
        self.adapter.running = 1
        return STATUS_SUCCESS

    def VioScsiInterrupt(self, Interrupt, ServiceContext):
        if self.bRemoved:
            return FALSE
        if not self.adapter.read_isr_status():
            return FALSE
        KeInsertQueueDpc(self.CompleteDpc)
        return TRUE

    def VioScsiCompleteDpcRoutine(self, Dpc, DeferredContext):
        pass

    def StopAdapter(self):
        KeSynchronizeExecution(self.Interrupt, self.SetRemoved)
        self.adapter.reset()
        IoDisconnectInterrupt(self.Interrupt)
        return STATUS_SUCCESS

    def SetRemoved(self, SynchronizeContext):
        self.bRemoved = TRUE
        return TRUE


scenario = Scenario(
    start=VioScsi.VioScsiHwInitialize,
    concurrently=[VioScsi.StopAdapter],
    processors=[1, 2],
    expect={
        1: Violated("unclaimed-level-interrupt", steps=16, states=275),
        2: Violated("unclaimed-level-interrupt", steps=16, states=954),
    },
)
