"""A memory balloon, fixed: the driver looks once itself after it has enabled the device.

Right after enabling, and under the interrupt lock as EvtInterruptEnable always is, the driver reads
the ISR status and, if it was set, queues the DPC just as the service routine would.

Why it is enough: from the moment of enabling, the status is either zero, and the next change
interrupts, or set, and this read finds it. The lock keeps the service routine from reading it in
between; were both to read it, one of them would find it clear, which is harmless.
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
        if self.balloon.read_isr_status() != Status.CLEAR:
            KeInsertQueueDpc(self.dpc)
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
    expect={1: Holds(states=111), 2: Holds(states=742)},
)
