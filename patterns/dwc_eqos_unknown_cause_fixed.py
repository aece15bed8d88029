"""An Ethernet controller, fixed: the counters are frozen before the controller is started.

The twin of dwc_eqos_unknown_cause.py. What the driver does not serve it does not enable.

Source: worproject/Rockchip-Windows-Drivers, dwc_eqos, commit 1cacff0.
"""

from dirql.model.wdk import *


class Controller(Device):
    """Receives frames and counts them; a counter that is half full asks to be read."""

    started = Bit(0)
    frozen = Bit(0)
    frame = Bit(0)
    half_full = Bit(0)

    def line(self):
        return self.started and (self.frame or self.half_full)

    @hardware
    def frame_arrives(self):
        self.frame = 1

    @hardware
    def counter_is_half_full(self):
        if not self.frozen:
            self.half_full = 1

    def take_frame(self):
        had_frame = self.frame and self.started
        if had_frame:
            self.frame = 0
        return had_frame

    def start(self):
        self.half_full = 0
        self.started = 1

    def freeze_and_start(self):
        self.frozen = 1
        self.start()


class Ethernet(Driver):
    controller = Controller(Line(irql=7, mode=LevelSensitive))
    Interrupt = PKINTERRUPT()

    def Start(self):
        # Only the first processor is interrupted, as a legacy controller routes its lines.
        status = IoConnectInterrupt(self.Interrupt, self.Isr, ProcessorEnableMask=1)
        if not NT_SUCCESS(status):
            return status
        self.controller.freeze_and_start()
        return STATUS_SUCCESS

    def Isr(self, Interrupt, ServiceContext):
        return self.controller.take_frame()


scenario = Scenario(
    start=Ethernet.Start,
    processors=[1, 2],
    expect={1: Holds(states=76), 2: Holds(states=76)},
)
