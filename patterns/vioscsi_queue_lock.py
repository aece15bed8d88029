"""virtio-win vioscsi: a queue that a service routine shares is guarded by another spin lock.

SendSRB puts a request into a queue of the device and takes a descriptor for it out of the free
list. VioScsiMSInterruptWorker, part of the service routine, takes finished requests out and gives
their descriptors back. The service routine holds the lock of its interrupt.

Bug: a change that was to simplify the locking let SendSRB take a spin lock of its own for the
queue, instead of the lock of the interrupt. Each side is now alone with its like, but not with the
other. One update of num_free overwrites the other, and the free list is wrong from then on; in
the field the guest hung under load, in a loop over the queue.
Source: virtio-win/kvm-guest-drivers-windows pull request 103, "Revert 'Fix queue locking'".

In the trace look at the read and the write of num_free in SendSRB, and at the service routine
between them. It takes no second processor: at DISPATCH_LEVEL an interrupt still comes through, and
the descriptor that it gives back is forgotten; nothing trips over that here, so the race itself is
the finding. On two processors it may also be SendSRB's update that is lost, and then the
list ends up with more free descriptors than there are.
"""

from dirql.model.wdk import *

DESCRIPTORS = 2


class VirtioScsi(Device):
    """One queue: requests that the host works on, and requests that it has finished."""

    posted = Int(0, DESCRIPTORS)
    used = Int(0, DESCRIPTORS)

    def line(self):
        return self.used

    @hardware
    def request_ends(self):
        if self.posted:
            self.posted -= 1
            self.used += 1

    def add_buf(self):
        self.posted += 1

    def get_buf(self):
        if self.used:
            self.used -= 1
            return TRUE
        return FALSE


class Vioscsi(Driver):
    adapter = VirtioScsi(Line(irql=6, mode=Latched))
    Interrupt = PKINTERRUPT()
    QueueLock = KSPIN_LOCK()
    num_free = Int(0, DESCRIPTORS, DESCRIPTORS)

    def VioScsiHwInitialize(self):
        return IoConnectInterrupt(self.Interrupt, self.VioScsiMSInterrupt)

    def VioScsiMSInterrupt(self, Interrupt, MessageId):
        self.VioScsiMSInterruptWorker()
        return TRUE

    def VioScsiMSInterruptWorker(self):
        while self.adapter.get_buf():
            self.num_free += 1

    def VioScsiStartIo(self):
        if self.Interrupt:
            self.SendSRB()
            self.SendSRB()

    def SendSRB(self):
        KeAcquireSpinLock(self.QueueLock, OldIrql)
        if self.num_free:
            self.num_free -= 1
            self.adapter.add_buf()
        KeReleaseSpinLock(self.QueueLock, OldIrql)


scenario = Scenario(
    start=Vioscsi.VioScsiHwInitialize,
    concurrently=[Vioscsi.VioScsiStartIo],
    processors=[1, 2, 3],
    expect={
        1: Violated("data-race", steps=18, states=420),
        2: Violated("value-out-of-range", steps=27, states=2018),
        3: Violated("value-out-of-range", steps=27, states=6149),
    },
)
