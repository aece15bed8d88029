"""An infrared receiver, fixed: the DPC takes the buffer under the interrupt lock.

The twin of sunxicir_frame_reset.py. Read and reset are one section that the service routine does
not enter.

Source: "Accessing shared state information"; KeAcquireInterruptSpinLock.
"""

from dirql.model.wdk import *


class Receiver(Device):
    """Delivers up to two pulses, one at a time."""

    enabled = Bit(0)
    pulse = Bit(0)
    delivered = Int(0, 2)

    def line(self):
        return self.pulse and self.enabled

    @hardware
    def light_changes(self):
        if self.enabled and not self.pulse and self.delivered < 2:
            self.delivered += 1
            self.pulse = 1

    def read_pulse(self):
        had_pulse = self.pulse and self.enabled
        if had_pulse:
            self.pulse = 0
        return had_pulse


class Cir(Driver):
    receiver = Receiver(Line(irql=6, mode=LevelSensitive))
    Interrupt = PKINTERRUPT()
    Dpc = KDPC()
    Count = Int(0, 2)
    Decoded = Int(0, 2)

    def Start(self):
        KeInitializeDpc(self.Dpc, self.Decode)
        # Only the first processor is interrupted, as a legacy controller routes its lines.
        status = IoConnectInterrupt(self.Interrupt, self.Isr, ProcessorEnableMask=1)
        if not NT_SUCCESS(status):
            return status
        self.receiver.enabled = 1
        return STATUS_SUCCESS

    def Isr(self, Interrupt, ServiceContext):
        if not self.receiver.read_pulse():
            return FALSE
        self.Count += 1
        KeInsertQueueDpc(self.Dpc)
        return TRUE

    def Decode(self, Dpc, DeferredContext):
        OldIrql = KeAcquireInterruptSpinLock(self.Interrupt)
        count = self.Count
        self.Count = 0
        KeReleaseInterruptSpinLock(self.Interrupt, OldIrql)
        InterlockedExchangeAdd(self.Decoded, count)

    def Disable(self, SynchronizeContext):
        self.receiver.enabled = 0
        return TRUE

    def Stop(self):
        if not self.Interrupt:
            return
        KeSynchronizeExecution(self.Interrupt, self.Disable)
        KeFlushQueuedDpcs()
        IoDisconnectInterrupt(self.Interrupt)
        missing = self.receiver.delivered - self.receiver.pulse - self.Decoded
        assert missing == 0, "a pulse is lost"


scenario = Scenario(
    start=Cir.Start,
    finally_=Cir.Stop,
    processors=[1, 2],
    expect={1: Holds(states=961), 2: Holds(states=2031)},
)
