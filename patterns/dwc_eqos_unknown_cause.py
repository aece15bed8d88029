"""An Ethernet controller: a cause that nobody knows of keeps the line up.

The service routine looks at the one cause that the driver enables, received frames. After a reset
the controller has another one enabled as well: a statistics counter is half full.

Bug: nobody reads that counter and nobody disables its interrupt. When it is half full, hours after
the start, the service routine finds no cause it knows and returns FALSE, and the line stays up.

Source: worproject/Rockchip-Windows-Drivers, dwc_eqos, commit 1cacff0 ("fix hang in Ethernet
driver").

In the trace no frame need arrive at all.
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
        self.controller.start()
        return STATUS_SUCCESS

    def Isr(self, Interrupt, ServiceContext):
        return self.controller.take_frame()


scenario = Scenario(
    start=Ethernet.Start,
    processors=[1, 2],
    expect={
        1: Violated("unclaimed-level-interrupt", steps=9, states=98),
        2: Violated("unclaimed-level-interrupt", steps=9, states=98),
    },
)
