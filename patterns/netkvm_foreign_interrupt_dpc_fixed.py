"""virtio-win NetKVM, fixed: status zero is the neighbour's, and the interrupt is given back first.

The twin of netkvm_foreign_interrupt_dpc.py. The service routine answers FALSE to what is not its
own, and nobody can queue the DPC any more when the driver waits for it.

Source: virtio-win/kvm-guest-drivers-windows, NetKVM, commits 26672bdc and 60cb9f22, which test a
power state instead of moving the disconnect.
"""

from dirql.model.wdk import *


class VirtioNet(Device):
    """A virtual network card; reading the status acknowledges."""

    ready = Bit(0)
    used = Bit(0)

    def line(self):
        return self.used and self.ready

    @hardware
    def buffer_is_used(self):
        self.used = 1

    def read_isr_status(self):
        status = self.used and self.ready
        if status:
            self.used = 0
        return status

    def reset(self):
        self.ready = 0
        self.used = 0


class Queues(Structure):
    Entries = Bit(0)


class NetKvm(Driver):
    card = VirtioNet(Line(irql=6, mode=LevelSensitive, shared=True))
    Interrupt = PKINTERRUPT()
    Dpc = KDPC()
    queues = Queues()

    def Initialize(self):
        KeInitializeDpc(self.Dpc, self.MiniportInterruptDPC)
        # Only the first processor is interrupted, as a legacy controller routes its lines.
        status = IoConnectInterrupt(self.Interrupt, self.MiniportInterrupt, ProcessorEnableMask=1)
        if not NT_SUCCESS(status):
            return status
        self.card.ready = 1
        return STATUS_SUCCESS

    def MiniportInterrupt(self, Interrupt, ServiceContext):
        if not self.card.read_isr_status():
            return FALSE
        KeInsertQueueDpc(self.Dpc)
        return TRUE

    def MiniportInterruptDPC(self, Dpc, DeferredContext):
        self.queues.Entries = 0

    def Halt(self):
        self.card.reset()
        IoDisconnectInterrupt(self.Interrupt)
        KeFlushQueuedDpcs()
        ExFreePoolWithTag(self.queues)


scenario = Scenario(
    start=NetKvm.Initialize,
    concurrently=[NetKvm.Halt],
    processors=[1, 2],
    expect={1: Holds(states=352), 2: Holds(states=1088)},
)
