"""A virtio SCSI adapter, fixed: whether to claim is asked of the device, what to do of the driver.

The twin of claim_follows_software_state.py. The service routine reads the interrupt status first,
which lowers the line whatever the driver thinks of the adapter, and claims what was its own. Only
the work is skipped once bRemoved is set. That is enough: a line that a service routine lowers and
claims cannot storm, and after the reset the device raises it no more.

Source of the driver: virtio-win/kvm-guest-drivers-windows: vioscsi/vioscsi.c (VioScsiInterrupt).
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
        if not self.adapter.read_isr_status():
            return FALSE
        if not self.bRemoved:
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
    expect={1: Holds(states=358), 2: Holds(states=1978)},
)
