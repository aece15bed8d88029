"""An Ethernet controller (KMDF): the interrupt lock is taken before there is an interrupt.

Whenever the driver changes what the controller may interrupt for, it takes the interrupt lock, as
its service routine does the same. EvtDeviceD0Entry turns the interrupts on that way.

Bug: the framework connects the interrupt after EvtDeviceD0Entry has returned. There is no
interrupt object yet. The framework's verifier stops the machine; without it the framework takes no
lock and goes on. What it does is written out here; at the level of the kernel's routines it is a
lock taken through NULL.

Source: worproject/Rockchip-Windows-Drivers, dwc_eqos, commit ecd3f69; the same in
coolstar/sklhdaudbus, commit deedb41; "Enabling and disabling interrupts".
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

    def EvtDeviceD0Entry(self):
        OldIrql = KeAcquireInterruptSpinLock(self.Interrupt)
        self.controller.enabled = 1
        KeReleaseInterruptSpinLock(self.Interrupt, OldIrql)

    def Isr(self, Interrupt, ServiceContext):
        return self.controller.acknowledge()

    def PowerUp(self):
        """The framework: the callback of the driver, then the connect."""
        self.EvtDeviceD0Entry()
        # Only the first processor is interrupted, as a legacy controller routes its lines.
        return IoConnectInterrupt(self.Interrupt, self.Isr, ProcessorEnableMask=1)


scenario = Scenario(
    start=Ethernet.PowerUp,
    processors=[1, 2],
    expect={
        1: Violated("synchronize-on-dead-interrupt", steps=2, states=4),
        2: Violated("synchronize-on-dead-interrupt", steps=2, states=4),
    },
)
