"""An Ethernet controller (KMDF), fixed: the interrupts are turned on once there is an interrupt.

The twin of dwc_eqos_lock_before_connect.py. EvtInterruptEnable is called after the connect and
under the lock. The published fix leaves out the lock only, which turns the interrupts on before
anybody listens.

Source: "Enabling and disabling interrupts"; EVT_WDF_INTERRUPT_ENABLE.
"""

from dirql.model.wdk import *


class Controller(Device):
    """Reports that the link has changed."""

    enabled = Bit(0)
    changed = Bit(0)

    def line(self):
        return self.changed and self.enabled

    @hardware
    def link_changes(self):
        self.changed = 1

    def acknowledge(self):
        had_changed = self.changed and self.enabled
        if had_changed:
            self.changed = 0
        return had_changed


class Ethernet(Driver):
    controller = Controller(Line(irql=7, mode=LevelSensitive))
    Interrupt = PKINTERRUPT()

    def EvtInterruptEnable(self, SynchronizeContext):
        self.controller.enabled = 1
        return TRUE

    def Isr(self, Interrupt, ServiceContext):
        return self.controller.acknowledge()

    def PowerUp(self):
        """The framework: the connect, then the callback of the driver."""
        # Only the first processor is interrupted, as a legacy controller routes its lines.
        status = IoConnectInterrupt(self.Interrupt, self.Isr, ProcessorEnableMask=1)
        if NT_SUCCESS(status):
            KeSynchronizeExecution(self.Interrupt, self.EvtInterruptEnable)
        return status


scenario = Scenario(
    start=Ethernet.PowerUp,
    processors=[1, 2],
    expect={1: Holds(states=64), 2: Holds(states=88)},
)
