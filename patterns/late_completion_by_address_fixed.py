"""virtio-win storage, fixed: the device reports the request's own number, not where its SRB lay.

The twin of late_completion_by_address.py. The DPC completes the SRB only if the reported number is
that of the request which uses it now; anything else is an answer to a request that the reset has
completed, and is dropped. That is enough as long as a number is not used again while the device
may still report it. An address cannot promise that; a counter can.

Source: virtio-win/kvm-guest-drivers-windows: commits 1bbc4220, c09af908, cade4cb9, 473619aa.
"""

from dirql.model.wdk import *

NONE = 0
FIRST = 1
SECOND = 2


class ScsiAdapter(Device):
    """Works on up to two requests, in order, and reports each as finished."""

    older = Int(0, 2)
    newer = Int(0, 2)
    finished = Int(0, 2)

    def line(self):
        return self.finished

    @hardware
    def finishes(self):
        if self.older and not self.finished:
            self.finished = self.older
            self.older = self.newer
            self.newer = NONE

    def submit(self, number):
        if self.older:
            self.newer = number
        else:
            self.older = number

    def take_finished(self):
        number = self.finished
        self.finished = NONE
        return number


class VioScsi(Driver):
    adapter = ScsiAdapter(Line(irql=7, mode=Latched))
    Interrupt = PKINTERRUPT()
    Dpc = KDPC()
    Lock = KSPIN_LOCK()
    owner = Int(0, 2)

    def Start(self):
        KeInitializeDpc(self.Dpc, self.CompleteDpc)
        # Only the first processor is interrupted, which is enough for this story.
        return IoConnectInterrupt(self.Interrupt, self.Isr, ProcessorEnableMask=1)

    def Isr(self, Interrupt, ServiceContext):
        if not self.adapter.finished:
            return FALSE
        KeInsertQueueDpc(self.Dpc)
        return TRUE

    def CompleteDpc(self, Dpc, DeferredContext):
        number = self.adapter.take_finished()
        while number:
            self.CompleteRequest(number)
            number = self.adapter.take_finished()

    def CompleteRequest(self, number):
        KeAcquireSpinLockAtDpcLevel(self.Lock)
        if self.owner == number:
            assert number == self.owner, "the device has finished what the driver completes"
            self.owner = NONE
        KeReleaseSpinLockFromDpcLevel(self.Lock)

    def StartIo(self, number):
        KeAcquireSpinLock(self.Lock, OldIrql)
        self.owner = number
        self.adapter.submit(number)
        KeReleaseSpinLock(self.Lock, OldIrql)

    def ResetBus(self):
        KeAcquireSpinLock(self.Lock, OldIrql)
        self.owner = NONE
        KeReleaseSpinLock(self.Lock, OldIrql)

    def Application(self):
        self.StartIo(FIRST)
        self.ResetBus()
        self.StartIo(SECOND)
        return STATUS_SUCCESS


scenario = Scenario(
    start=VioScsi.Start,
    concurrently=[VioScsi.Application],
    processors=[1, 2],
    expect={1: Holds(states=1012), 2: Holds(states=1952)},
)
