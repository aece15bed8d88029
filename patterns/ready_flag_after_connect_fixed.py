"""A virtio device, fixed: the flag is set before the service routine can be called.

Whatever the service routine looks at has its final value before the connect call. The flag is
true when the first interrupt comes, and no edge is turned away. (The other cure is to keep the
order and collect the used buffers once by hand after setting the flag.)
"""

from dirql.model.wdk import *


class VirtioSound(Device):
    """The sound device: used buffers to be collected, one interrupt for the first of them."""

    used = Bit(0)
    driver_ok = Bit(0)

    def line(self):
        return self.used and self.driver_ok

    def waiting(self):
        return self.used and self.driver_ok

    @hardware
    def buffer_played(self):
        self.used = 1


class VirtIoSnd(Driver):
    sound = VirtioSound(Line(irql=5, mode=Latched))
    InterruptObject = PKINTERRUPT()
    dpc = KDPC()
    Started = Bit(0)

    def StartDevice(self):
        KeInitializeDpc(self.dpc, self.VirtIoSndDpc)
        self.Started = TRUE
        status = IoConnectInterrupt(self.InterruptObject, self.VirtIoSndIsr)
        if not NT_SUCCESS(status):
            return status
        self.sound.driver_ok = 1
        return STATUS_SUCCESS

    def VirtIoSndIsr(self, Interrupt, ServiceContext):
        if not self.Started:
            return FALSE
        if not self.sound.used:
            return FALSE
        KeInsertQueueDpc(self.dpc)
        return TRUE

    def VirtIoSndDpc(self, Dpc, DeferredContext):
        self.sound.used = 0


scenario = Scenario(
    start=VirtIoSnd.StartDevice,
    processors=[1, 2],
    expect={1: Holds(states=178), 2: Holds(states=2569)},
)
