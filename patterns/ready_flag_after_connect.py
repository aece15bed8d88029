"""A virtio device: the "started" flag is set after interrupts are on, and an edge falls between.

The service routine ignores the device until the driver says that it has started. The driver
connects, tells the device DRIVER_OK, and only then sets the flag. An interrupt in that moment is
turned away. A level line would insist; an edge, like a message, is forgotten once the service
routine has been called: the device waits to be asked, the driver waits to be called.

Source: the Windows 7 virtio drivers of wilsonzlin/aero, and FxInterrupt of microsoft/
Windows-Driver-Frameworks, which drops interrupts until its pointer is stored and therefore has a
way round it for edges. Messages there, a latched line here.

In the trace: the service routine runs to its end, says FALSE, and everything comes to rest.
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
        status = IoConnectInterrupt(self.InterruptObject, self.VirtIoSndIsr)
        if not NT_SUCCESS(status):
            return status
        self.sound.driver_ok = 1
        self.Started = TRUE
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
    expect={
        1: Violated("unserviced-cause", steps=11, states=67),
        2: Violated("unserviced-cause", steps=11, states=144),
    },
)
