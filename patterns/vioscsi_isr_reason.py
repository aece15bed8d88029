"""virtio-win vioscsi: a service routine consumes two causes, serves neither and says "not mine".

A virtio device reports in its ISR status register why it interrupts: bit 0 for used buffers in a
queue, bit 1 for a changed configuration. Reading the register clears all of it. VioScsiInterrupt,
the service routine for a line interrupt, goes on only if it has read exactly 1.

Bug: if buffers are used while the configuration changes, it reads 3 and returns FALSE. The device
has been told that it was heard, the line is low, and the used buffers wait for some later
interrupt. On a shared line the next driver is asked for an interrupt that is not its own.

Source: virtio-win/kvm-guest-drivers-windows: vioscsi/vioscsi.c (VioScsiInterrupt); the same
comparison was mended in viostor, see viostor_isr_reason.py.

In the trace look at what the register holds when it is read. It takes no second processor.
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
        if intReason == 1:
            self.adapter.used = 0
            return TRUE
        return FALSE


scenario = Scenario(
    start=Vioscsi.VioScsiHwInitialize,
    processors=[1, 2],
    expect={
        1: Violated("unserviced-cause", steps=10, states=75),
        2: Violated("unserviced-cause", steps=10, states=137),
    },
)
