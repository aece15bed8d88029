"""A memory balloon: a cause that was set before the driver started is never looked at.

The device sends one interrupt when its ISR status leaves zero, and is then silent until somebody
reads the status. Firmware, or the driver's former life, may have left the status set, with the
interrupt it once sent long gone. The driver enables the device and waits: the device will not
interrupt again, because the status is not zero, and the status stays set, because nobody reads it.

Source: virtio-win/kvm-guest-drivers-windows pull request 434, "balloon: process the ISR status at
startup" (commit 139ef4d9). The device interrupts by messages there; a latched line keeps the one
thing that matters, a request that is made once.

In the trace: the driver starts, and that is all. The device has news and nobody will ask for it.
"""

from dirql.model.wdk import *


class Status(IntEnum):
    """The ISR status: zero, set with its interrupt just sent, set by somebody's past."""

    CLEAR = 0
    ANNOUNCED = 1
    STALE = 2


class VirtioBalloon(Device):
    """The balloon, as the host drives it; reading the ISR status clears it."""

    isr_status = Enum(Status, {Status.CLEAR, Status.STALE})
    driver_ok = Bit(0)

    def line(self):
        return self.isr_status == Status.ANNOUNCED

    def waiting(self):
        return self.driver_ok and self.isr_status != Status.CLEAR

    @hardware
    def host_changes_target(self):
        if self.driver_ok and self.isr_status == Status.CLEAR:
            self.isr_status = Status.ANNOUNCED

    def read_isr_status(self):
        status = self.isr_status
        self.isr_status = Status.CLEAR
        return status


class Balloon(Driver):
    balloon = VirtioBalloon(Line(irql=8, mode=Latched))
    Interrupt = PKINTERRUPT()
    dpc = KDPC()

    def BalloonEvtDeviceD0Entry(self):
        KeInitializeDpc(self.dpc, self.BalloonInterruptDpc)
        status = IoConnectInterrupt(self.Interrupt, self.BalloonInterruptIsr)
        if not NT_SUCCESS(status):
            return status
        KeSynchronizeExecution(self.Interrupt, self.BalloonInterruptEnable)
        return STATUS_SUCCESS

    def BalloonInterruptEnable(self, SynchronizeContext):
        self.balloon.driver_ok = 1
        return TRUE

    def BalloonInterruptIsr(self, Interrupt, ServiceContext):
        if self.balloon.read_isr_status() == Status.CLEAR:
            return FALSE
        KeInsertQueueDpc(self.dpc)
        return TRUE

    def BalloonInterruptDpc(self, Dpc, DeferredContext):
        pass


scenario = Scenario(
    start=Balloon.BalloonEvtDeviceD0Entry,
    processors=[1, 2],
    expect={
        1: Violated("unserviced-cause", steps=8, states=58),
        2: Violated("unserviced-cause", steps=8, states=127),
    },
)
