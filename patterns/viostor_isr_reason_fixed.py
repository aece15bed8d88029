"""virtio-win viostor, fixed: each bit of the read-to-clear register is tested by itself.

The twin of viostor_isr_reason.py. Whatever the read has cleared is now served, so no cause can be
lost behind another. The device model sets the bit of the queue also for a changed configuration;
the look at an empty queue that this costs does no harm.
Source: virtio-win/kvm-guest-drivers-windows: viostor/virtio_stor.c (VirtIoInterrupt), fixed
upstream in d3d61506.
"""

from dirql.model.wdk import *

QUEUE = 1
CONFIGURATION = 2


class VirtioBlock(Device):
    """One queue, a configuration that may change, and a register cleared by reading it."""

    driver_ok = Bit(0)
    isr_status = Int(0, 3)
    used = Bit(0)
    configuration_changed = Bit(0)

    def line(self):
        return self.isr_status

    def waiting(self):
        return self.used or self.configuration_changed

    @hardware
    def request_ends(self):
        if self.driver_ok:
            self.used = 1
            self.isr_status |= 1

    @hardware
    def disk_is_resized(self):
        if self.driver_ok:
            self.configuration_changed = 1
            self.isr_status = 3

    def read_isr_status(self):
        status = self.isr_status
        self.isr_status = 0
        return status


class Viostor(Driver):
    disk = VirtioBlock(Line(irql=6, mode=LevelSensitive))
    Interrupt = PKINTERRUPT()

    def VirtIoHwInitialize(self):
        status = IoConnectInterrupt(self.Interrupt, self.VirtIoInterrupt)
        if not NT_SUCCESS(status):
            return status
        self.disk.driver_ok = 1
        return STATUS_SUCCESS

    def VirtIoInterrupt(self, Interrupt, DeviceExtension):
        intReason = self.disk.read_isr_status()
        if intReason & QUEUE:
            self.disk.used = 0
        if intReason & CONFIGURATION:
            self.disk.configuration_changed = 0
        return intReason != 0


scenario = Scenario(
    start=Viostor.VirtIoHwInitialize,
    processors=[1, 2],
    expect={1: Holds(states=136), 2: Holds(states=259)},
)
