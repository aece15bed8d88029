"""virtio-win storage: after a bus reset the device finishes a request that is long completed.

A request travels to the device under the address of its SRB; when the device reports that address
as finished, the DPC completes the SRB there. A bus reset makes the driver complete everything that
is outstanding, while the device still works on it.

Bug: the memory of a completed SRB is used for the next request. When the device finishes the old
one, the DPC finds a perfectly good SRB at the reported address and completes it, although the
device has not finished it, or not even started: the caller reads a buffer that has not been filled,
and the real completion, later, hits whatever is there then.

Source: virtio-win/kvm-guest-drivers-windows: commits 1bbc4220, c09af908 (an id for each request),
then cade4cb9, 473619aa (the id was overwritten).

There is one SRB; `owner` is the number of the request that uses it. The device remembers what it
works on: the assertion compares the two. In the trace look at the request that the device works on
when the reset comes.
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
        if self.owner:
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
    expect={
        1: Violated("assertion-failed", steps=32, states=694),
        2: Violated("assertion-failed", steps=32, states=1404),
    },
)
