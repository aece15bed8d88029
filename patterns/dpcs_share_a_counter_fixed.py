"""A network card, fixed: the two DPCs take a spin lock around the counter they share.

The twin of dpcs_share_a_counter.py. Nothing is assumed about where a DPC runs.

Source: "Introduction to DPC Objects"; KeAcquireSpinLockAtDpcLevel.
"""

from dirql.model.wdk import *


class Nic(Device):
    """Receives frames; reading the status register acknowledges."""

    enabled = Bit(0)
    received = Bit(0)

    def line(self):
        return self.received and self.enabled

    @hardware
    def frame_arrives(self):
        self.received = 1

    def acknowledge(self):
        was_received = self.received
        self.received = 0
        return was_received


class NicDriver(Driver):
    nic = Nic(Line(irql=7, mode=LevelSensitive))
    Interrupt = PKINTERRUPT()
    ReceiveDpc = KDPC()
    TransmitDpc = KDPC()
    FreeLock = KSPIN_LOCK()
    Free = Int(0, 3, wrapping=True)

    def Start(self):
        KeInitializeDpc(self.ReceiveDpc, self.Received)
        KeInitializeDpc(self.TransmitDpc, self.Transmitted)
        # Only the first processor is interrupted, as a legacy controller routes its lines.
        status = IoConnectInterrupt(self.Interrupt, self.Isr, ProcessorEnableMask=1)
        if not NT_SUCCESS(status):
            return status
        self.nic.enabled = 1
        return STATUS_SUCCESS

    def Isr(self, Interrupt, ServiceContext):
        if not self.nic.acknowledge():
            return FALSE
        self.nic.enabled = 0
        KeInsertQueueDpc(self.ReceiveDpc)
        KeInsertQueueDpc(self.TransmitDpc)
        return TRUE

    def Received(self, Dpc, DeferredContext):
        self.AddFree()

    def Transmitted(self, Dpc, DeferredContext):
        self.AddFree()

    def AddFree(self):
        KeAcquireSpinLockAtDpcLevel(self.FreeLock)
        self.Free += 1
        KeReleaseSpinLockFromDpcLevel(self.FreeLock)


scenarios = [
    Scenario(
        name="here",
        start=NicDriver.Start,
        processors=[1, 2],
        expect={1: Holds(states=6868), 2: Holds(states=10724)},
    ),
    Scenario(
        name="anywhere",
        start=NicDriver.Start,
        processors=[1, 2],
        knobs={"dpc_any_cpu": "yes"},
        expect={1: Holds(states=8580), 2: Holds(states=76668)},
    ),
]
