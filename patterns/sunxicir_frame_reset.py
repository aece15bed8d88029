"""An infrared receiver: the DPC empties the buffer that the service routine is filling again.

The service routine appends pulses to a buffer and counts them. The DPC decodes what is in the
buffer and sets the count to zero.

Bug: neither reads the count under the interrupt lock. A pulse that comes after the DPC has read the
count is counted, and forgotten by the zero: one key in many is not understood.

Source: AricGamma/BSP_AW1689_src, src/drivers/Hid/sunxicir, as of commit b229fa1, found by reading;
"Accessing shared state information".

Stop compares what the receiver has sent with what was decoded or is left. In the trace a pulse
comes between the DPC's read and its store.
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
    Count = Int(0, 2, volatile=True)
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
        InterlockedIncrement(self.Count)
        KeInsertQueueDpc(self.Dpc)
        return TRUE

    def Decode(self, Dpc, DeferredContext):
        count = self.Count
        self.Count = 0
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
    expect={
        1: Violated("assertion-failed", steps=44, states=964),
        2: Violated("assertion-failed", steps=44, states=2064),
    },
)
