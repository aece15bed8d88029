"""virtio-win vioscsi, fixed: both users of the queue hold the lock of the interrupt.

The twin of vioscsi_queue_lock.py. SendSRB takes the lock that the system holds whenever it calls
the service routine, which raises it to the IRQL of the interrupt as well: the service routine can
neither interrupt it here nor run beside it elsewhere. The other way out, taken upstream later, is
to take finished requests out in a DPC and to leave the queue to one ordinary spin lock.

Source of the driver: virtio-win/kvm-guest-drivers-windows pull requests 103, "Revert 'Fix queue
locking'", and 125, "vioscsi: DPC fixes".
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
        OldIrql = KeAcquireInterruptSpinLock(self.Interrupt)
        if self.num_free:
            self.num_free -= 1
            self.adapter.add_buf()
        KeReleaseInterruptSpinLock(self.Interrupt, OldIrql)


scenario = Scenario(
    start=Vioscsi.VioScsiHwInitialize,
    concurrently=[Vioscsi.VioScsiStartIo],
    processors=[1, 2, 3],
    expect={1: Holds(states=196), 2: Holds(states=842), 3: Holds(states=2407)},
)
