"""virtio-win vioscsi, fixed: a restart keeps the DPC of the first start.

The twin of vioscsi_restart_new_dpc.py.

Source: virtio-win/kvm-guest-drivers-windows, vioscsi, commit 573c985e.
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
        self.adapter.enabled = 1


scenario = Scenario(
    start=VioScsi.Start,
    concurrently=[VioScsi.Restart],
    processors=[1, 2],
    expect={1: Holds(states=652), 2: Holds(states=1276)},
)
