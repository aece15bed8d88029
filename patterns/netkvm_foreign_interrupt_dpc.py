"""virtio-win NetKVM: a neighbour's interrupt runs the DPC on queues that have been freed.

The service routine reads the status register, which also acknowledges, and queues the DPC, which
walks the queues. On the way out the driver resets the card, waits for the DPC, frees the queues,
and gives the interrupt back last.

Bug: status zero means that somebody else on the line has interrupted, and it is taken for an
interrupt of the card. The card is quiet after its reset; its neighbour is not, and its interrupt
queues the DPC after the queues have gone. Besides, what is the neighbour's is claimed.

Source: virtio-win/kvm-guest-drivers-windows, NetKVM, commits 26672bdc and 60cb9f22.

In the trace look for the foreign device.
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
        self.card.read_isr_status()
        KeInsertQueueDpc(self.Dpc)
        return TRUE

    def MiniportInterruptDPC(self, Dpc, DeferredContext):
        self.queues.Entries = 0

    def Halt(self):
        self.card.reset()
        KeFlushQueuedDpcs()
        ExFreePoolWithTag(self.queues)
        IoDisconnectInterrupt(self.Interrupt)


scenario = Scenario(
    start=NetKvm.Initialize,
    concurrently=[NetKvm.Halt],
    processors=[1, 2],
    expect={
        1: Violated("use-after-free", steps=17, states=404),
        2: Violated("use-after-free", steps=17, states=783),
    },
)
