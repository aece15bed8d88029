"""virtio-win vioscsi: a restart gets new memory for its DPC, and nobody initialises it.

One routine prepares the adapter, when it is started and again after a power-down. A DPC may be
initialised in the first of these only.

Bug: the memory of the DPC is allocated each time. After a restart it is fresh and zeroed, and the
next interrupt queues a DPC that has no routine.

Source: virtio-win/kvm-guest-drivers-windows, vioscsi, commit 573c985e.

In the trace the interrupt comes after the restart.
"""

from dirql.model.wdk import *


class VirtioScsi(Device):
    """Ends requests; reading the status acknowledges."""

    enabled = Bit(0)
    used = Bit(0)

    def line(self):
        return self.used and self.enabled

    @hardware
    def request_ends(self):
        self.used = 1

    def read_isr_status(self):
        status = self.used and self.enabled
        if status:
            self.used = 0
        return status


class Extension(Structure):
    Dpc = KDPC()


class VioScsi(Driver):
    adapter = VirtioScsi(Line(irql=6, mode=LevelSensitive))
    Interrupt = PKINTERRUPT()
    extension = Extension()
    Completions = Int(0, 1, saturating=True, volatile=True)

    def Start(self):
        self.Prepare()
        KeInitializeDpc(self.extension.Dpc, self.CompleteRequests)
        # Only the first processor is interrupted, as a legacy controller routes its lines.
        status = IoConnectInterrupt(self.Interrupt, self.HwInterrupt, ProcessorEnableMask=1)
        if not NT_SUCCESS(status):
            return status
        self.adapter.enabled = 1
        return STATUS_SUCCESS

    def Prepare(self):
        ExAllocatePool2(self.extension)

    def HwInterrupt(self, Interrupt, ServiceContext):
        if not self.adapter.read_isr_status():
            return FALSE
        KeInsertQueueDpc(self.extension.Dpc)
        return TRUE

    def CompleteRequests(self, Dpc, DeferredContext):
        InterlockedExchange(self.Completions, 1)

    def Disable(self, SynchronizeContext):
        self.adapter.enabled = 0
        return TRUE

    def Restart(self):
        KeSynchronizeExecution(self.Interrupt, self.Disable)
        KeFlushQueuedDpcs()
        ExFreePoolWithTag(self.extension)
        self.Prepare()
        self.adapter.enabled = 1


scenario = Scenario(
    start=VioScsi.Start,
    concurrently=[VioScsi.Restart],
    processors=[1, 2],
    expect={
        1: Violated("uninitialized-object", steps=21, states=299),
        2: Violated("uninitialized-object", steps=21, states=507),
    },
)
