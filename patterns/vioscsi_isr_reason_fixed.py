"""virtio-win vioscsi, fixed: the service routine tests the bit it serves, and claims what it read.

The twin of vioscsi_isr_reason.py. Used buffers are served whenever their bit is set, whatever
stands beside it, and the interrupt is claimed whenever the register held anything: reading has
cleared it, so it was this device's interrupt and it is answered.

Source of the driver: virtio-win/kvm-guest-drivers-windows: vioscsi/vioscsi.c (VioScsiInterrupt).
"""

from dirql.model.wdk import *


class VirtioScsi(Device):
    """One queue, a configuration that may change, and a register cleared by reading it."""

    driver_ok = Bit(0)
    isr_status = Int(0, 3)
    used = Bit(0)

    def line(self):
        return self.isr_status

    def waiting(self):
        return self.used

    @hardware
    def buffer_is_used(self):
        if self.driver_ok:
            self.used = 1
            self.isr_status |= 1

    @hardware
    def configuration_changes(self):
        if self.driver_ok:
            self.isr_status |= 2

    def read_isr_status(self):
        status = self.isr_status
        self.isr_status = 0
        return status


class Vioscsi(Driver):
    adapter = VirtioScsi(Line(irql=6, mode=LevelSensitive))
    Interrupt = PKINTERRUPT()

    def VioScsiHwInitialize(self):
        status = IoConnectInterrupt(self.Interrupt, self.VioScsiInterrupt)
        if not NT_SUCCESS(status):
            return status
        self.adapter.driver_ok = 1
        return STATUS_SUCCESS

    def VioScsiInterrupt(self, Interrupt, DeviceExtension):
        intReason = self.adapter.read_isr_status()
        if intReason & 1:
            self.adapter.used = 0
        return intReason != 0


scenario = Scenario(
    start=Vioscsi.VioScsiHwInitialize,
    processors=[1, 2],
    expect={1: Holds(states=106), 2: Holds(states=200)},
)
