"""virtio-win viostor: two causes in a read-to-clear register, treated as one or the other.

A virtio device reports in its ISR status register why it interrupts: bit 0 for used buffers in a
queue, bit 1 for a changed configuration. Reading the register clears all of it. VirtIoInterrupt
compares what it read with 1 (the queue) and with 3 (the configuration: the device model of QEMU
sets both bits for that).

Bug (fixed upstream in d3d61506): a request that finishes together with a configuration change also
reads as 3. The read has cleared both bits, the comparison serves only one of them, and the request
stays in the used ring until some other request ends.
Source: virtio-win/kvm-guest-drivers-windows: viostor/virtio_stor.c (VirtIoInterrupt).

In the trace look at the order of the two device events before the register is read. It takes no
second processor.
"""

from dirql.model.wdk import *

QUEUE = 1
CONFIGURATION_AND_QUEUE = 3


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
        if intReason == QUEUE:
            self.disk.used = 0
            return TRUE
        if intReason == CONFIGURATION_AND_QUEUE:
            self.disk.configuration_changed = 0
            return TRUE
        return FALSE


scenario = Scenario(
    start=Viostor.VirtIoHwInitialize,
    processors=[1, 2],
    expect={
        1: Violated("unserviced-cause", steps=11, states=94),
        2: Violated("unserviced-cause", steps=11, states=174),
    },
)
